"""Ed25519 as the page wants it (section 1, "Words"): RFC 8032, without the cofactor, and without weak keys."""

import hashlib

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)

# Points are in extended coordinates: x = X/Z, y = Y/Z, xy = T/Z (RFC 8032, section 5.1.4).
NEUTRAL = (0, 1, 1, 0)


def add(p, q):
    a = (p[1] - p[0]) * (q[1] - q[0]) % P
    b = (p[1] + p[0]) * (q[1] + q[0]) % P
    c = 2 * p[3] * q[3] * D % P
    d = 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def double(p):
    a = p[0] * p[0]
    b = p[1] * p[1]
    c = 2 * p[2] * p[2]
    h = a + b
    e = h - (p[0] + p[1]) ** 2
    g = a - b
    f = c + g
    return e * f % P, g * h % P, f * g % P, e * h % P


def multiply(number, point):
    """The point, added up that many times; four bits at a time."""
    table = [NEUTRAL]
    for _ in range(15):
        table.append(add(table[-1], point))
    result = NEUTRAL
    for shift in range((number.bit_length() + 3) // 4 * 4 - 4, -1, -4):
        result = double(double(double(double(result))))
        if number >> shift & 15:
            result = add(result, table[number >> shift & 15])
    return result


def encode(point):
    """The 32 bytes of a point (RFC 8032, section 5.1.2)."""
    inverse = pow(point[2], P - 2, P)
    x = point[0] * inverse % P
    y = point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def decode(data):
    """The point of 32 bytes (RFC 8032, section 5.1.3); None if they are not its canonical encoding."""
    number = int.from_bytes(data, "little")
    sign = number >> 255
    y = number & (1 << 255) - 1
    if len(data) != 32 or y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * SQRT_M1 % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


BASE = decode((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def is_key(data):
    """Section 1: the canonical encoding of a point whose order does not divide 8."""
    point = decode(data)
    return point is not None and encode(double(double(double(point)))) != encode(NEUTRAL)


def verify(key, message, signature):
    """Section 1: S is below the order, and [S]B - [k]A is, byte for byte, the first half of the signature."""
    if len(signature) != 64 or not is_key(key):
        return False
    s = int.from_bytes(signature[32:], "little")
    if s >= ORDER:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER
    x, y, z, t = decode(key)
    return encode(add(multiply(s, BASE), multiply(k, (P - x, y, z, P - t)))) == signature[:32]

/* zlib's functions that begin a stream are macros, which Swift cannot call. */
#ifndef DOORWARD_CZLIB_SHIM_H
#define DOORWARD_CZLIB_SHIM_H

#include <zlib.h>

/* 15 bits are the largest window; 16 more ask for gzip's frame in place of zlib's own. */
static inline int cz_deflate_gzip(z_stream *stream, int level) {
    return deflateInit2(stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
}

static inline int cz_inflate_gzip(z_stream *stream) {
    return inflateInit2(stream, 15 + 16);
}

#endif

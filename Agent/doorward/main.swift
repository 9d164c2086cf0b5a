import ArgumentParser
import Crypto
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Yams
print("doorward")

import ArgumentParser
import GRDB
import Hummingbird
import HummingbirdTLS
import ServiceLifecycle
import X509
import Yams
print("doorward-coordinator")

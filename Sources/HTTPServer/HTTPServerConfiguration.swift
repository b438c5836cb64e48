internal import Glibc

/// How a server listens.
public struct HTTPServerConfiguration: Sendable {
  /// An IPv4 or IPv6 address in text.
  public var address: String
  /// The TCP port; 0 takes any that is free.
  public var port: UInt16
  /// Where a Unix-domain socket is made to listen on, instead of address and port.
  ///
  /// The file is readable and writable by this process's user only, and whoever connects must be
  /// that user or root. It is removed when the server stops.
  public var socketPath: String?
  /// Threads that receive, run what does not wait, and send; one for each core at least.
  public var threads: Int
  /// The certificate and key; without it connections are not encrypted.
  public var tls: TLSIdentity?
  /// The bounds.
  public var limits: HTTPLimits
  /// Whether bodies are compressed for clients that ask for it.
  public var compressesResponses: Bool

  /// The processors that this machine has online.
  public static var processorCount: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

  /// A configuration made of its parts.
  public init(
    address: String = "127.0.0.1", port: UInt16 = 0,
    threads: Int = HTTPServerConfiguration.processorCount, tls: TLSIdentity? = nil,
    limits: HTTPLimits = HTTPLimits(), compressesResponses: Bool = true
  ) {
    self.address = address
    self.port = port
    self.threads = threads
    self.tls = tls
    self.limits = limits
    self.compressesResponses = compressesResponses
  }
}

/// A certificate chain with its private key, both as PEM (RFC 7468).
public struct TLSIdentity: Sendable {
  /// The server's certificate, then those that lead to the root.
  public var certificateChain: [UInt8]
  /// The unencrypted private key.
  public var privateKey: [UInt8]

  /// An identity made of its parts; they are read when the server starts or reloads.
  public init(certificateChain: [UInt8], privateKey: [UInt8]) {
    self.certificateChain = certificateChain
    self.privateKey = privateKey
  }
}

/// Why a server could not start or take a certificate.
public enum HTTPServerError: Error, Sendable, Equatable {
  /// The address is neither IPv4 nor IPv6 in text.
  case invalidAddress(String)
  /// The operating system refused: the call and its errno.
  case system(call: String, code: Int32)
  /// GnuTLS refused the certificate or the key, in its own words.
  case invalidIdentity(String)
  /// libmicrohttpd refused to start.
  case daemonRefused
  /// A server starts once.
  case alreadyStarted
}

/// What a server counts.
public struct HTTPServerMetrics: Sendable, Equatable {
  /// Connections that are open now.
  public var openConnections: Int
  /// Connections that wait for a handler, a consumer or a producer.
  public var suspendedConnections: Int
  /// Requests that are under way.
  public var activeRequests: Int
  /// Requests since the start.
  public var requests: Int
  /// Requests since the start that the server itself refused.
  public var refused: Int
  /// Connections that were closed because the client was too slow.
  public var timedOut: Int
}

internal import HTTP
internal import Synchronization
internal import Values

/// What every connection of a server shares.
final class ServerCore: Sendable {
  let application: any HTTPApplication
  let limits: HTTPLimits
  let time: TimeSource
  /// Random bits for request ids.
  let requestRandom: RandomSource
  let compressesResponses: Bool
  let isSecure: Bool
  /// Whether a Unix-domain socket is listened on.
  let isLocal: Bool
  let tally = ConnectionTally()
  let registry = ConnectionRegistry()
  let gzip = GzipEncoder()
  let lingering: LingeringConnections

  private let stopping = Atomic<Bool>(false)
  private let certificate: Mutex<TLSCertificate?>

  private static let nanosecondsPerSecond: UInt64 = 1_000_000_000

  init(
    configuration: HTTPServerConfiguration, certificate: TLSCertificate?,
    application: any HTTPApplication, time: TimeSource, random: RandomSource
  ) {
    self.application = application
    self.time = time
    requestRandom = .mixed(seed: random.next())
    limits = configuration.limits
    lingering = LingeringConnections(configuration.limits)
    compressesResponses = configuration.compressesResponses
    isSecure = certificate != nil
    isLocal = configuration.socketPath != nil
    self.certificate = Mutex(certificate)
  }

  /// Whether connections are to be ended with their next answer.
  var isStopping: Bool { stopping.load(ordering: .relaxed) }

  func beginStopping() { stopping.store(true, ordering: .relaxed) }

  /// What the next handshake is given.
  var currentCertificate: TLSCertificate? { certificate.withLock { $0 } }

  func use(_ newCertificate: TLSCertificate) {
    certificate.withLock { $0 = newCertificate }
  }

  /// The moment some seconds after another, both on the monotonic clock.
  func deadline(_ now: UInt64, seconds: Int) -> UInt64 {
    now + UInt64(seconds) * Self.nanosecondsPerSecond
  }
}

extension RandomSource {
  /// Numbers that differ from each other (SplitMix64), for what need not be secret: a call to the
  /// kernel for each request would cost more than the rest of its id.
  fileprivate static func mixed(seed: UInt64) -> RandomSource {
    let sequence = MixedSequence(seed: seed)
    return RandomSource { sequence.next() }
  }
}

private final class MixedSequence: Sendable {
  private static let step: UInt64 = 0x9e37_79b9_7f4a_7c15
  private let state: Atomic<UInt64>

  init(seed: UInt64) { state = Atomic(seed) }

  func next() -> UInt64 {
    var mixed = state.wrappingAdd(Self.step, ordering: .relaxed).newValue
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}

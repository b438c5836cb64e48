public import HTTP
public import JSON
internal import Synchronization
public import Values

/// The server's log: one line each, JSON or text, gathered in memory and written to standard error
/// by a thread of its own, so that no request waits for a terminal or a pipe.
public final class Log: Sendable {
  /// How important a line is.
  public enum Level: Int, Sendable, Comparable, CaseIterable {
    /// Something failed that should not.
    case error
    /// Something that somebody should look at.
    case warning
    /// What happens.
    case info
    /// What helps to find a fault.
    case debug

    /// The name used in the configuration and in the lines.
    public var name: String {
      switch self {
      case .error: "error"
      case .warning: "warn"
      case .info: "info"
      case .debug: "debug"
      }
    }

    /// Whether the left level is the more important one.
    public static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }
  }

  /// The form of the lines.
  public enum Format: String, Sendable, CaseIterable {
    /// For people.
    case text
    /// For programs.
    case json
  }

  private let format: Format
  private let time: TimeSource
  private let sink: LogSink
  private let threshold: Atomic<Int>

  /// A log of lines at `level` or more important ones, handed to `output` in blocks.
  public init(
    level: Level, format: Format, time: TimeSource = .system,
    output: @escaping @Sendable ([UInt8]) -> Void
  ) {
    self.format = format
    self.time = time
    threshold = Atomic(level.rawValue)
    sink = LogSink(output)
  }

  /// The least important level that is written; may be changed while the server runs.
  public var level: Level {
    get { Level(rawValue: threshold.load(ordering: .relaxed)) ?? .info }
    set { threshold.store(newValue.rawValue, ordering: .relaxed) }
  }

  /// Writes a line.
  public func write(_ level: Level, _ message: String) {
    guard level <= self.level else { return }
    switch format {
    case .text:
      sink.append(
        Array("\(time.now().rfc3339) \(level.name) \(Self.oneLine(message))\n".utf8))
    case .json:
      var writer = JSONWriter()
      writer.beginObject()
      writer.member("time", time.now().rfc3339)
      writer.member("level", level.name)
      writer.member("message", message)
      writer.endObject()
      sink.append(writer.bytes + [UInt8(ascii: "\n")])
    }
  }

  /// Writes a line that carries a value: a member of its own in JSON, else behind the message.
  public func write(_ level: Level, _ message: String, _ name: String, _ value: JSONValue) {
    guard level <= self.level else { return }
    guard format == .json else { return write(level, "\(message) \(value.text)") }
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("time", time.now().rfc3339)
    writer.member("level", level.name)
    writer.member("message", message)
    writer.member(name, value)
    writer.endObject()
    sink.append(writer.bytes + [UInt8(ascii: "\n")])
  }

  /// Writes the line of a finished request.
  ///
  /// Paths and addresses of persons stay out: the route's pattern stands for the path where it is
  /// known.
  public func request(_ exchange: HTTPExchange) {
    let level: Level = exchange.status >= 500 ? .error : .info
    guard level <= self.level else { return }
    var writer = JSONWriter(capacity: 320)
    switch format {
    case .json:
      writer.beginObject()
      writer.member("time", time.now().rfc3339)
      writer.member("level", level.name)
      writer.member("requestId", exchange.requestID)
      writer.member("method", exchange.method)
      writer.member("route", exchange.logFields.route)
      writer.member("status", .integer(exchange.status))
      writer.name("ms")
      writer.decimal(units: Int64(exchange.durationNanoseconds / 1000), scale: 3)
      writer.member("tenant", exchange.logFields.tenantID)
      writer.member("user", exchange.logFields.userID)
      writer.member("bytes", .integer(exchange.responseBytes))
      writer.endObject()
    case .text:
      let milliseconds = FixedPoint.text(
        units: Int64(exchange.durationNanoseconds / 1000), scale: 3)
      let fields = exchange.logFields
      writer.append(
        verbatim: """
          \(time.now().rfc3339) \(level.name) \(exchange.method) \(fields.route ?? "-") \
          \(exchange.status) \(milliseconds)ms id=\(exchange.requestID) \
          tenant=\(Self.oneLine(fields.tenantID ?? "-")) \
          user=\(Self.oneLine(fields.userID ?? "-")) \
          bytes=\(exchange.responseBytes)
          """.utf8)
    }
    sink.append(writer.bytes + [UInt8(ascii: "\n")])
  }

  /// Writes what is gathered and ends the thread; nothing may be written afterwards.
  public func close() {
    sink.close()
  }

  /// A line must stay one line, whatever a client managed to put into it.
  private static func oneLine(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: breaksLines) else { return text }
    return String(String.UnicodeScalarView(text.unicodeScalars.map { breaksLines($0) ? " " : $0 }))
  }

  private static func breaksLines(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.generalCategory == .control || scalar.value == 0x2028
      || scalar.value == 0x2029
  }
}

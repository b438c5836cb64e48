internal import JSON
internal import Values

/// Writes metrics in the text format of Prometheus, version 0.0.4
/// (prometheus.io/docs/instrumenting/exposition_formats).
struct MetricsText {
  /// What kind of number a metric is.
  enum Kind: String {
    /// Goes up, and begins at 0 with the process.
    case counter
    /// Goes up and down.
    case gauge
    /// Counts observations by their size.
    case histogram
    /// Counts observations and adds them up.
    case summary
  }

  private(set) var text = ""

  /// Begins a metric; its samples follow.
  mutating func metric(_ name: String, _ kind: Kind, _ help: String) {
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
  }

  mutating func sample(_ name: String, _ labels: [(String, String)], _ value: Int) {
    sample(name, labels, text: String(value))
  }

  mutating func sample(_ name: String, _ labels: [(String, String)], seconds value: Double) {
    sample(name, labels, text: "\(value)")
  }

  /// A metric of one sample without labels.
  mutating func single(_ name: String, _ kind: Kind, _ help: String, _ value: Int) {
    metric(name, kind, help)
    sample(name, [], value)
  }

  /// A metric of one sample without labels, in seconds.
  mutating func single(_ name: String, _ kind: Kind, _ help: String, seconds value: Double) {
    metric(name, kind, help)
    sample(name, [], seconds: value)
  }

  private mutating func sample(_ name: String, _ labels: [(String, String)], text value: String) {
    text += name
    if !labels.isEmpty {
      text += "{"
      text += labels.map { "\($0.0)=\"\(Self.escaped($0.1))\"" }.joined(separator: ",")
      text += "}"
    }
    text += " \(value)\n"
  }

  /// A label's value, in which backslash, quote and line feed are escaped.
  private static func escaped(_ value: String) -> String {
    value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
      .replacing("\n", with: "\\n")
  }
}

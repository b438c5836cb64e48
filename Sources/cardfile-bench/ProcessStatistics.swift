internal import Foundation
internal import Glibc

/// What Linux counts of a process: proc(5).
enum ProcessStatistics {
  /// Processor seconds, user and system, of all threads of the process so far.
  static func processorSeconds(of process: Int32) throws -> Double {
    let text = try contents("/proc/\(process)/stat")
    guard let seconds = processorSeconds(inStat: text) else {
      throw BenchmarkError("cannot read the processor time of process \(process)")
    }
    return seconds
  }

  /// Memory that is in RAM, in megabytes of 1,000,000 bytes.
  static func residentMegabytes(of process: Int32) throws -> Double {
    let text = try contents("/proc/\(process)/status")
    guard let megabytes = residentMegabytes(inStatus: text) else {
      throw BenchmarkError("cannot read the memory of process \(process)")
    }
    return megabytes
  }

  /// The most memory that was ever in RAM, in megabytes of 1,000,000 bytes.
  static func peakMegabytes(of process: Int32) throws -> Double {
    let text = try contents("/proc/\(process)/status")
    guard let megabytes = megabytes("VmHWM:", inStatus: text) else {
      throw BenchmarkError("cannot read the memory of process \(process)")
    }
    return megabytes
  }

  /// The load averages of 1, 5 and 15 minutes.
  static func load() throws -> String {
    try contents("/proc/loadavg").split(separator: " ").prefix(3).joined(separator: " ")
  }

  // The command's name may hold spaces and parentheses, so that counting begins after the last one.
  // Fields 14 and 15 are the 12th and 13th from there.
  static func processorSeconds(inStat text: String) -> Double? {
    guard let end = text.lastIndex(of: ")") else { return nil }
    let fields = text[text.index(after: end)...].split(separator: " ")
    guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else {
      return nil
    }
    return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
  }

  static func residentMegabytes(inStatus text: String) -> Double? {
    megabytes("VmRSS:", inStatus: text)
  }

  private static func megabytes(_ name: String, inStatus text: String) -> Double? {
    guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix(name) }),
      let kibibytes = line.split(whereSeparator: { " \t".contains($0) }).compactMap({ Double($0) })
        .first
    else { return nil }
    return kibibytes * 1024 / 1e6
  }

  private static func contents(_ path: String) throws -> String {
    try String(contentsOfFile: path, encoding: .utf8)
  }
}

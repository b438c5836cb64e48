internal import Foundation

/// The memory of this process, as the kernel counts it.
enum ProcessMemory {
  /// The resident set in bytes (proc(5), `/proc/self/statm`); nil where there is no such file.
  static var residentBytes: Int? {
    // A system without procfs has no figure, and a metric that is missing says so.
    guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8),
      let pages = text.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
    else { return nil }
    return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
  }
}

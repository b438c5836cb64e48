/// Who is told of each text that a connection prepares.
///
/// A structure around the closure: one that lies in a `Mutex` by itself is wrapped anew by each
/// access, until calling it takes more stack than there is.
package struct PrepareObserver: Sendable {
  /// Takes the text and the path of the connection's file, which is empty for one in memory.
  package let tell: @Sendable (_ sql: String, _ path: String) -> Void

  package init(_ tell: @escaping @Sendable (_ sql: String, _ path: String) -> Void) {
    self.tell = tell
  }
}

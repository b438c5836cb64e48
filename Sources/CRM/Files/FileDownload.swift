internal import Database
public import HTTP
internal import Synchronization

/// A file's bytes on their way out.
///
/// Each chunk is a read of its own, so that a slow client keeps nobody's snapshot. The content may
/// be purged meanwhile; the client then sees the connection break.
public final class FileDownload: HTTPResponseBodyStream {
  /// The content was cleared away in the middle.
  struct Gone: Error {}

  private let contents: FileContents
  private let file: StoredFile
  private let range: Range<Int>
  private let ended: Mutex<Ending?>
  /// The next byte to send.
  private let place: Mutex<Int>

  /// Who is told that nothing more will be read.
  private struct Ending {
    let tell: @Sendable () -> Void
  }

  /// - Parameter ended: Told once when nothing more will be read.
  init(
    _ contents: FileContents, _ file: StoredFile, _ range: Range<Int>,
    ended: @escaping @Sendable () -> Void
  ) {
    self.contents = contents
    self.file = file
    self.range = range
    self.ended = Mutex(Ending(tell: ended))
    place = Mutex(range.lowerBound)
  }

  /// The next bytes, at most a chunk.
  public func next() async throws -> [UInt8]? {
    let start = place.withLock { $0 }
    guard start < range.upperBound else { return nil }
    let part = start / Limits.fileChunkBytes
    guard
      let chunk = try contents.chunk(part, of: file.contentID, tenantID: file.tenantID)
    else { throw Gone() }
    let chunkStart = part * Limits.fileChunkBytes
    let end = min(chunk.count, range.upperBound - chunkStart)
    guard start - chunkStart < end else { throw Gone() }
    place.withLock { $0 = chunkStart + end }
    if start == chunkStart, end == chunk.count { return chunk }
    return Array(chunk[(start - chunkStart)..<end])
  }

  /// Nothing more will be read.
  public func finish() { ended.withLock { $0.take() }?.tell() }
}

/// A file as its content is sent.
public struct StoredFile: Sendable {
  let tenantID: String
  let contentID: String
  /// What it is called.
  public let name: String
  /// Its media type, as the client said.
  public let contentType: String
  /// Its size in bytes.
  public let byteCount: Int
  /// Its hash, lower-case hex.
  public let sha256: String
}

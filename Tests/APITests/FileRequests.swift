import Cryptography
import JSON
import SQLite
import TestSupport
import Testing
import Values

extension TestServer {
  /// Sends bytes as one of the users.
  func send(
    _ method: String, _ path: String, as user: String = "ada", bytes: [UInt8]?,
    headers: [(String, String)] = []
  ) async throws -> TestResponse {
    let token = ("Authorization", "Bearer \(Self.token(user, at: time.now()))")
    return try await client.send(method, path, headers: headers + [token], body: bytes)
  }

  /// Attaches a file to the record at `path` and gives its data.
  func file(
    _ bytes: [UInt8], named name: String = "a.txt", at path: String, as user: String = "ada"
  ) async throws -> JSONValue {
    let answer = try await send(
      "POST", "\(path)/files", as: user, bytes: bytes,
      headers: [
        ("Content-Type", "text/plain"),
        ("Content-Disposition", "attachment; filename=\"\(name)\""),
      ])
    guard answer.status == 201 else {
      throw Unexpected(answer: "\(answer.status) \(answer.text)")
    }
    return answer.data
  }

  /// Creates a contact and gives its path.
  func contactPath(_ name: String = "Jane", as user: String = "ada") async throws -> String {
    "/api/contacts/\(try await contact(["firstName": .string(name)], as: user).id)"
  }

  /// How many contents and chunks are in the file, and how many of the contents have no hash.
  func storedContents() throws -> [Int] {
    try rows(
      """
      SELECT (SELECT count(*) FROM file_contents), (SELECT count(*) FROM file_chunks),
        (SELECT count(*) FROM file_contents WHERE sha256 IS NULL)
      """)[0].map { Int($0 ?? "") ?? -1 }
  }

  /// Waits until that is what is in the file.
  func stores(_ counts: [Int]) async -> Bool {
    await eventually {
      // A read that fails has not seen it.
      (try? self.storedContents()) == counts
    }
  }
}

/// Bytes for files.
enum FileBytes {
  /// Bytes that repeat nowhere near, so that a chunk in the wrong place shows.
  static func make(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var state = seed &* 0x9e37_79b9_7f4a_7c15 | 1
    return (0..<count).map { _ in
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return UInt8(truncatingIfNeeded: state >> 32)
    }
  }

  /// Their hash as the API shows it.
  static func hash(_ bytes: [UInt8]) -> String { Hexadecimal.text(SHA256.hash(bytes)) }

  /// A form with one file in it.
  static func form(
    _ bytes: [UInt8], disposition: String = "form-data; name=\"file\"; filename=\"f.png\"",
    type: String? = "image/png"
  ) -> [UInt8] {
    let field = "--XX\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nleft alone\r\n"
    let contentType = type.map { "Content-Type: \($0)\r\n" } ?? ""
    return Array("\(field)--XX\r\nContent-Disposition: \(disposition)\r\n\(contentType)\r\n".utf8)
      + bytes + Array("\r\n--XX\r\n\r\nmore\r\n--XX--\r\n".utf8)
  }

  static let formType = ("Content-Type", "multipart/form-data; boundary=XX")
}

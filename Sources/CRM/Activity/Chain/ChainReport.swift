internal import Cryptography
public import JSON
internal import Values

/// What a walk along a tenant's chain has found.
public struct ChainReport: Sendable {
  /// The first thing that is wrong.
  public struct Fault: Sendable, Equatable, CustomStringConvertible {
    /// The place in the chain.
    public let seq: Int64
    /// The entry's id, where the entry is there.
    public let activityID: String?
    /// The column at fault; `link` for an entry that does not follow the one before it, `head` for
    /// the end of the chain, `checkpoint` for what was signed.
    public let column: String
    /// What is wrong with it.
    public let reason: String

    /// One line for whoever verifies a file.
    public var description: String {
      "entry \(seq)\(activityID.map { " (\($0))" } ?? ""): \(column) \(reason)"
    }
  }

  /// How often a key has signed.
  public struct KeyUse: Sendable, Equatable {
    /// The public key.
    public let publicKey: [UInt8]
    /// How many checkpoints are its own.
    public var checkpoints: Int
    /// Whether it is among the keys that are known here.
    public let isKnown: Bool
  }

  /// Whose chain it is.
  public let tenantID: String
  /// How many entries were found sound.
  public internal(set) var entries: Int64 = 0
  /// How many of them have lost their personal part to an erasure that another entry tells of.
  public internal(set) var erased: Int64 = 0
  /// The newest entry's place, and its hash.
  public internal(set) var seq: Int64 = 0
  /// The newest entry's hash; empty for a tenant without any.
  public internal(set) var head: [UInt8] = []
  /// The place of the newest entry that retention has removed; 0 while the log is whole.
  public internal(set) var removedThrough: Int64 = 0
  /// How many checkpoints were found right.
  public internal(set) var checkpoints = 0
  /// The place of the newest of them; 0 without any.
  public internal(set) var checkpointedThrough: Int64 = 0
  /// Whose they are, in order of their first.
  public internal(set) var keys: [KeyUse] = []
  /// The first thing that is wrong; nil when all is well.
  public internal(set) var fault: Fault?

  /// Whether nothing is wrong.
  public var isValid: Bool { fault == nil }

  init(tenantID: String) { self.tenantID = tenantID }

  /// The answer of `GET /api/activities/verify`.
  ///
  /// - Parameter signer: The public key that signs at present.
  public func json(signer: [UInt8]?) -> JSONValue {
    [
      "valid": .bool(isValid), "entries": .integer(entries), "erased": .integer(erased),
      "head": .string(Hexadecimal.text(head)), "seq": .integer(seq),
      "removedThrough": .integer(removedThrough), "checkpoints": .integer(checkpoints),
      "checkpointedThrough": .integer(checkpointedThrough),
      "keys": .array(
        keys.map { use in
          [
            "keyId": .string(LogKeys.id(of: use.publicKey)),
            "publicKey": .string(Base64.encode(use.publicKey)),
            "checkpoints": .integer(use.checkpoints), "isKnown": .bool(use.isKnown),
          ]
        }),
      "signingKeyId": signer.map { .string(LogKeys.id(of: $0)) } ?? .null,
      "broken": fault.map { fault in
        [
          "seq": .integer(fault.seq),
          "activityId": fault.activityID.map(JSONValue.string) ?? .null,
          "column": .string(fault.column), "reason": .string(fault.reason),
        ]
      } ?? .null,
    ]
  }
}

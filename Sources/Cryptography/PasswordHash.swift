internal import CCrypt
internal import Glibc
public import Values

/// Password hashes by yescrypt, as crypt(5) writes them: `$y$…`.
///
/// One hash takes about 18 ms of a core and 16 MB: call this off the HTTP threads, and bound how
/// many run at a time.
public enum PasswordHash {
  /// The longest password; crypt(3) accepts 511 bytes.
  public static let passwordBytesMax = 511

  private static let prefix = "$y$"
  /// Random bytes that go into a salt: 128 bits.
  private static let saltBytes = 16
  /// CRYPT_GENSALT_OUTPUT_SIZE of crypt.h.
  private static let settingBytesMax = 192

  /// The hash of `password` with a fresh salt.
  ///
  /// Nil when the password is longer than ``passwordBytesMax``, holds a zero byte, or when there
  /// is no memory for yescrypt.
  public static func make(_ password: String, random: RandomSource) -> String? {
    let salt = random.bytes(saltBytes).map { CChar(bitPattern: $0) }
    var setting = [CChar](repeating: 0, count: settingBytesMax)
    // A cost of 0 is the library's recommended one.
    guard
      crypt_gensalt_rn(prefix, 0, salt, Int32(salt.count), &setting, Int32(setting.count)) != nil
    else { return nil }
    return hash(password, setting: text(setting))
  }

  /// Whether `password` is the one that `hash` was made of; false for any other kind of hash.
  public static func verify(_ password: String, _ hash: String) -> Bool {
    guard hash.hasPrefix(prefix), let computed = self.hash(password, setting: hash) else {
      return false
    }
    return ConstantTime.areEqual(Array(computed.utf8), Array(hash.utf8))
  }

  private static func hash(_ password: String, setting: String) -> String? {
    // A C string ends at its first zero byte, so what follows would not count.
    guard password.utf8.count <= passwordBytesMax, !password.utf8.contains(0) else { return nil }
    var data = [CChar](repeating: 0, count: MemoryLayout<crypt_data>.size)
    let size = Int32(data.count)
    // The working memory holds the password afterwards.
    defer { explicit_bzero(&data, data.count) }
    guard crypt_rn(password, setting, &data, size) != nil else { return nil }
    // crypt_data begins with its output.
    return text(data)
  }

  private static func text(_ characters: [CChar]) -> String {
    String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

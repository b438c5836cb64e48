internal import Glibc

/// Passwords come from the terminal, unseen, or from standard input; never from the arguments,
/// which every user of the machine can read.
enum PasswordInput {
  /// The most that is read of one, in bytes.
  private static let bytesMax = 1024

  private static let newline = UInt8(ascii: "\n")

  /// The first line of standard input.
  static func line() throws(CommandFailure) -> String {
    guard let bytes = readLine(), let text = String(validating: bytes, as: UTF8.self),
      !text.isEmpty
    else {
      throw .failed("--password-stdin: the first line of standard input is no password")
    }
    return text
  }

  /// Asks twice on the terminal, without showing what is typed.
  static func ask() throws(CommandFailure) -> String {
    var shown = termios()
    guard isatty(STDIN_FILENO) == 1, tcgetattr(STDIN_FILENO, &shown) == 0 else {
      throw .usage("there is no terminal to ask for the password on: give --password-stdin")
    }
    var hidden = shown
    // Ctrl-C must not end the program before the terminal shows again what is typed.
    hidden.c_lflag &= ~tcflag_t(ECHO | ISIG)
    hidden.c_cc.0 = 0
    guard tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) == 0 else {
      throw .failed("the terminal does not hide what is typed: give --password-stdin")
    }
    defer { tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown) }
    let first = try ask("New password: ")
    guard try ask("Once more: ") == first else { throw .failed("the two are not the same") }
    return first
  }

  private static func ask(_ question: String) throws(CommandFailure) -> String {
    Terminal.prompt(question)
    let bytes = readLine()
    Terminal.prompt("\n")
    // 3 and 4 are what Ctrl-C and Ctrl-D send.
    guard let bytes, !bytes.isEmpty, !bytes.contains(3), !bytes.contains(4),
      let text = String(validating: bytes, as: UTF8.self)
    else { throw .failed("no password was given; nothing was changed") }
    return text
  }

  /// One line without its end; nil when nothing comes or it is too long.
  private static func readLine() -> [UInt8]? {
    var bytes: [UInt8] = []
    var byte: UInt8 = 0
    while bytes.count <= bytesMax {
      let count = read(STDIN_FILENO, &byte, 1)
      if count < 0, errno == EINTR { continue }
      guard count == 1 else { return bytes.isEmpty ? nil : bytes }
      if byte == newline {
        if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        return bytes
      }
      bytes.append(byte)
    }
    return nil
  }
}

/// Why a command ended without having done what it was asked for.
enum CommandFailure: Error {
  /// It was asked wrongly: exit 2.
  case usage(String)
  /// It could not be done: exit 1.
  case failed(String)
}

internal import EmbeddedWrapper

/// How a person gets into the demo: a password that is made anew at each start and printed once.
struct DemoLogin {
  let userID: String
  let email: String
  let password: String

  /// Makes the company if it is missing, and gives its administrator a new password.
  ///
  /// - Throws: what the directory throws.
  static func prepare(_ wrapper: EmbeddedWrapper) async throws -> DemoLogin {
    let company = try await DemoCompany.open(in: wrapper.directory)
    guard let administrator = company.administrator else {
      preconditionFailure("the demo company has an administrator")
    }
    let password = try await company.resetPassword(userID: administrator.id)
    return DemoLogin(userID: administrator.id, email: administrator.email, password: password)
  }
}

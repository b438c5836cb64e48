internal import Database
internal import HTTP
internal import JSON
internal import SQLite
internal import Values
internal import WrapperClient

// The one place where errors of lower rooms become what a client sees.
extension Problem {
  /// The problem that stands for any error; nil for one that nobody expected.
  init?(mapping error: any Error) {
    switch error {
    case let problem as Problem: self = problem
    case let error as DatabaseError:
      guard let problem = Problem(error) else { return nil }
      self = problem
    case let error as SQLiteError where error.isForeignKeyViolation:
      self.init(.conflict, "A record that this one refers to, or that refers to it, has changed.")
    case let error as SQLiteError:
      guard let mapped = DatabaseError.mapping(error), let problem = Problem(mapped) else {
        return nil
      }
      self = problem
    case let error as HTTPBodyError: self.init(error)
    case let error as WrapperError: self.init(error)
    case let error as CreditRefusal: self.init(error)
    default: return nil
    }
  }

  private init?(_ error: DatabaseError) {
    switch error {
    case .overloaded, .busy, .closed:
      self.init(
        .overloaded, "The server has too much to do at the moment.",
        headers: ["Retry-After": "1"])
    case .storageFull:
      self.init(.insufficientStorage, "The server's disk is full; nothing was changed.")
    case .deadlineExceeded:
      self.init(.deadlineExceeded, "The query took too long; ask for less at once.")
    default:
      return nil
    }
  }

  private init(_ error: HTTPBodyError) {
    switch error {
    case .disconnected:
      self.init(.malformedRequest, "The body broke off before its end.")
    case .tooLarge:
      self.init(.contentTooLarge, "The body is larger than this path takes.")
    }
  }

  init(_ error: WrapperError) {
    switch error {
    case .unauthenticated: self = .unauthenticated("The token is not valid.")
    case .expired: self = .tokenExpired
    case .tenantNotServed:
      self.init(.tenantNotServed, "This server does not serve the token's tenant.")
    case .throttled:
      self.init(
        .rateLimited, "Too many new tokens from this address; wait a little.",
        headers: ["Retry-After": "1"])
    case .unavailable:
      self.init(
        .wrapperUnavailable, "The system that knows the users cannot be reached at the moment.",
        headers: ["Retry-After": "5"])
    }
  }

  private init(_ refusal: CreditRefusal) {
    switch refusal {
    case .insufficient(let available, let required):
      self.init(
        .insufficientCredits, "Insufficient credits",
        members: JSONObject([
          ("available", .decimal(units: available, scale: 4)),
          ("required", .decimal(units: required, scale: 4)),
        ]))
    case .limitExceeded(let which, let limit, let used):
      self.init(
        .creditLimitExceeded, "The \(which.rawValue) credit limit is reached.",
        members: JSONObject([
          ("limit", .decimal(units: limit, scale: 4)), ("used", .decimal(units: used, scale: 4)),
        ]))
    case .unavailable:
      self.init(
        .wrapperUnavailable, "The credit balance cannot be read at the moment.",
        headers: ["Retry-After": "5"])
    case .readOnly:
      self.init(
        .readOnly, "The Wrapper has been away for too long: reading works, writing does not.",
        headers: ["Retry-After": "30"])
    }
  }
}

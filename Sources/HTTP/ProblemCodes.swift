// Every code that Cardfile answers, in the order of their statuses.
extension Problem.Code {
  /// 400 `malformed_request`.
  public static let malformedRequest = Self("malformed_request", 400, "Malformed request")
  /// 400 `malformed_json`.
  public static let malformedJSON = Self("malformed_json", 400, "Malformed JSON")
  /// 400 `invalid_parameter`.
  public static let invalidParameter = Self("invalid_parameter", 400, "Invalid parameter")
  /// 400 `invalid_cursor`.
  public static let invalidCursor = Self("invalid_cursor", 400, "Invalid cursor")
  /// 401 `unauthenticated`.
  public static let unauthenticated = Self("unauthenticated", 401, "Not signed in")
  /// 401 `token_expired`.
  public static let tokenExpired = Self("token_expired", 401, "Token expired")
  /// 402 `insufficient_credits`.
  public static let insufficientCredits = Self("insufficient_credits", 402, "Insufficient credits")
  /// 402 `credit_limit_exceeded`.
  public static let creditLimitExceeded = Self(
    "credit_limit_exceeded", 402, "Credit limit exceeded")
  /// 402 `plan_limit_exceeded`.
  public static let planLimitExceeded = Self("plan_limit_exceeded", 402, "Plan limit exceeded")
  /// 403 `insufficient_permissions`.
  public static let insufficientPermissions = Self(
    "insufficient_permissions", 403, "Insufficient permissions")
  /// 403 `tenant_not_served`.
  public static let tenantNotServed = Self("tenant_not_served", 403, "Tenant not served")
  /// 404 `not_found`.
  public static let notFound = Self("not_found", 404, "Not found")
  /// 405 `method_not_allowed`.
  public static let methodNotAllowed = Self("method_not_allowed", 405, "Method not allowed")
  /// 406 `not_acceptable`.
  public static let notAcceptable = Self("not_acceptable", 406, "Not acceptable")
  /// 408 `request_timeout`.
  public static let requestTimeout = Self("request_timeout", 408, "Request timeout")
  /// 409 `conflict`.
  public static let conflict = Self("conflict", 409, "Conflict")
  /// 409 `duplicate`.
  public static let duplicate = Self("duplicate", 409, "Duplicate")
  /// 412 `version_mismatch`.
  public static let versionMismatch = Self("version_mismatch", 412, "Version mismatch")
  /// 413 `content_too_large`.
  public static let contentTooLarge = Self("content_too_large", 413, "Content too large")
  /// 414 `uri_too_long`.
  public static let uriTooLong = Self("uri_too_long", 414, "URI too long")
  /// 415 `unsupported_media_type`.
  public static let unsupportedMediaType = Self(
    "unsupported_media_type", 415, "Unsupported media type")
  /// 416 `range_not_satisfiable`.
  public static let rangeNotSatisfiable = Self(
    "range_not_satisfiable", 416, "Range not satisfiable")
  /// 422 `validation_failed`.
  public static let validationFailed = Self("validation_failed", 422, "Validation failed")
  /// 422 `idempotency_key_reused`.
  public static let idempotencyKeyReused = Self(
    "idempotency_key_reused", 422, "Idempotency key reused")
  /// 429 `rate_limited`.
  public static let rateLimited = Self("rate_limited", 429, "Too many requests")
  /// 431 `request_header_fields_too_large`.
  public static let headerFieldsTooLarge = Self(
    "request_header_fields_too_large", 431, "Request header fields too large")
  /// 500 `internal_error`.
  public static let internalError = Self("internal_error", 500, "Internal error")
  /// 501 `not_implemented`.
  public static let notImplemented = Self("not_implemented", 501, "Not implemented")
  /// 503 `wrapper_unavailable`.
  public static let wrapperUnavailable = Self("wrapper_unavailable", 503, "Wrapper unavailable")
  /// 503 `read_only`.
  public static let readOnly = Self("read_only", 503, "Read only")
  /// 503 `overloaded`.
  public static let overloaded = Self("overloaded", 503, "Overloaded")
  /// 504 `deadline_exceeded`.
  public static let deadlineExceeded = Self("deadline_exceeded", 504, "Deadline exceeded")
  /// 507 `insufficient_storage`.
  public static let insufficientStorage = Self("insufficient_storage", 507, "Insufficient storage")
}

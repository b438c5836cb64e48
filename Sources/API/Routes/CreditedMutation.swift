internal import CRM
internal import HTTP
internal import WrapperClient

/// A mutation with its credits: reserved before the write, spent with it, released when it fails.
struct CreditedMutation {
  private let wrapper: Wrapper
  private let mutation: Mutation

  init(_ wrapper: Wrapper, _ mutation: Mutation, _ directory: TenantDirectory) {
    self.wrapper = wrapper
    var mutation = mutation
    mutation.creditUnits = directory.creditUnits(for: mutation.operation)
    mutation.planLimits = directory.creditConfiguration.featureLimits.planLimits
    self.mutation = mutation
  }

  /// Runs `write` under a reservation.
  ///
  /// - Parameters:
  ///   - check: Finds out without writing whether the request has faults of its own; asked only
  ///     when the credits are refused, so that a request hears of them first.
  ///   - write: Makes the change.
  /// - Throws: 402, 503, and what `check` and `write` throw.
  func run(
    check: (Mutation) throws -> Void, _ write: (Mutation) async throws -> MutationAnswer
  ) async throws -> HTTPResponse {
    var mutation = mutation
    let reservation: CreditReservation
    do {
      reservation = try await wrapper.reserve(
        tenantID: mutation.caller.tenantID, operation: mutation.operation,
        units: mutation.creditUnits)
    } catch {
      try check(mutation)
      throw error
    }
    mutation.isOffline = reservation.isOffline
    let answer: MutationAnswer
    do {
      answer = try await write(mutation)
    } catch {
      reservation.release()
      throw error
    }
    if answer.isReplay { reservation.release() } else { reservation.commit() }
    return answer.response
  }
}

extension FeatureLimits {
  /// The limits that there are, by what they limit.
  var planLimits: [PlanFeature: Int64] {
    var limits: [PlanFeature: Int64] = [:]
    for feature in PlanFeature.allCases {
      limits[feature] =
        switch feature {
        case .contacts: contacts
        case .deals: deals
        case .emails: emails
        case .storage: storageBytes
        }
    }
    return limits
  }
}

internal import CRM
internal import HTTP
internal import WrapperClient

/// A change with its credits: reserved before the write, spent with it, released when it fails.
struct CreditedMutation {
  private let wrapper: Wrapper
  private let mutation: Mutation

  init(_ wrapper: Wrapper, _ mutation: Mutation, _ directory: TenantDirectory) {
    self.wrapper = wrapper
    var mutation = mutation
    mutation.price(by: directory)
    self.mutation = mutation
  }

  /// Makes `change` under a reservation.
  ///
  /// When the credits are refused, a request that has faults of its own hears of those first.
  ///
  /// - Throws: 402, 503, and what making the change throws.
  static func run(
    _ change: PreparedChange, _ wrapper: Wrapper, _ directory: TenantDirectory,
    in store: RecordStore
  ) async throws -> HTTPResponse {
    var change = change
    return try await CreditedMutation(wrapper, change.mutation, directory).run { mutation in
      change.mutation = mutation
      try store.check(change)
    } _: { mutation in
      change.mutation = mutation
      return try await store.execute(change)
    }
  }

  /// Runs `write` under a reservation.
  ///
  /// - Parameters:
  ///   - check: Finds out without writing whether the request has faults of its own; asked only
  ///     when the credits are refused.
  ///   - write: Makes the change.
  /// - Throws: 402, 503, and what `check` and `write` throw.
  func run(
    check: (Mutation) throws -> Void, _ write: (Mutation) async throws -> MutationAnswer
  ) async throws -> HTTPResponse {
    do {
      return try await run(reserving: mutation.creditUnits, check: check, write)
    } catch is CostlierThanReserved {
      return try await run(reserving: mutation.creditUnitsMax, check: check, write)
    }
  }

  private func run(
    reserving units: Int64, check: (Mutation) throws -> Void,
    _ write: (Mutation) async throws -> MutationAnswer
  ) async throws -> HTTPResponse {
    var mutation = mutation
    let reservation: CreditReservation
    do {
      reservation = try await wrapper.reserve(
        tenantID: mutation.caller.tenantID, operation: mutation.operation, units: units)
    } catch {
      try check(mutation)
      throw error
    }
    mutation.pay(reservedUnits: units, isOffline: reservation.isOffline)
    let answer: MutationAnswer
    do {
      answer = try await write(mutation)
    } catch {
      reservation.release()
      throw error
    }
    reservation.settle(answer)
    return answer.response
  }
}

extension Mutation {
  /// Says what it costs and what the tenant's plan allows.
  mutating func price(by directory: TenantDirectory) {
    price(
      { directory.creditUnits(for: $0) },
      planLimits: directory.creditConfiguration.featureLimits.planLimits)
  }
}

extension CreditReservation {
  /// Spends what the answer says, unless it was given before.
  func settle(_ answer: MutationAnswer) {
    if answer.isReplay { release() } else { commit(units: answer.creditUnits) }
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

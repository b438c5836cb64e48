internal import CRM
internal import HTTP
internal import Values
internal import WrapperClient

/// Entries that other applications bring into the activity log.
struct ActivityPostRoutes: Sendable {
  /// What posting needs.
  private static let permission = "crm.activities.create"
  /// What naming a cost needs beside.
  private static let chargePermission = "crm.credits.charge"

  private let store: RecordStore
  private let wrapper: Wrapper
  private let configuration: APIConfiguration
  private let time: TimeSource
  private let repeats: RepeatedRequests

  init(
    store: RecordStore, wrapper: Wrapper, configuration: APIConfiguration, time: TimeSource
  ) {
    self.store = store
    self.wrapper = wrapper
    self.configuration = configuration
    self.time = time
    repeats = RepeatedRequests(store: store)
  }

  var endpoints: [Endpoint] {
    [
      Endpoint(
        .post, "/api/activities", access: .permission(Self.permission), isMutation: true,
        bodyBytesMax: configuration.bodyBytesMax, .postActivity,
        handler: .authorized { try await post($0) }),
      Endpoint(
        .post, "/api/activities/batch", access: .permission(Self.permission), isMutation: true,
        bodyBytesMax: CRM.Limits.batchBodyBytesMax, .postActivities,
        handler: .authorized { try await postSeveral($0) }),
    ]
  }

  private func post(_ context: RequestContext) async throws -> HTTPResponse {
    _ = try context.queryValues([])
    return try await repeats.once(context, context.readIdempotencyKey()) { context in
      let posted = try await posted(
        ActivityDraft.one(context.bodyBytes, now: time.now()), context)
      var mutation = try context.mutation()
      mutation.surchargeUnits = posted.draft.creditUnits
      return try await CreditedMutation(wrapper, mutation, context.directory).run { _ in
      } _: { mutation in
        try await store.post(posted, mutation)
      }
    }
  }

  private func postSeveral(_ context: RequestContext) async throws -> HTTPResponse {
    _ = try context.queryValues([])
    var key = try context.readIdempotencyKey()
    key?.answerBytesMax = CRM.Limits.batchAnswerBytesMax
    return try await repeats.once(context, key) { context in
      var posted: [PostedActivity] = []
      let drafts = try ActivityDraft.several(context.bodyBytes, now: time.now())
      for (index, draft) in drafts.enumerated() {
        do {
          posted.append(try await self.posted(draft, context))
        } catch let problem as Problem {
          throw problem.at(index: index)
        }
      }
      var mutation = try context.mutation()
      mutation.quantity = Int64(posted.count)
      mutation.surchargeUnits = posted.reduce(0) { $0 + $1.draft.creditUnits }
      return try await CreditedMutation(wrapper, mutation, context.directory).run { _ in
      } _: { [posted] mutation in
        try await store.post(posted, mutation)
      }
    }
  }

  /// - Throws: 403 for an entry of somebody else, or with a cost that the caller may not charge.
  private func posted(
    _ draft: ActivityDraft, _ context: RequestContext
  ) async throws -> PostedActivity {
    var context = context
    if wrapper.checksPermissionsStrictly, let target = draft.userID,
      target != context.session.userID
    {
      context.directory = try await wrapper.tenant(context.tenantID, decidingOn: target)
    }
    let mutation = try context.mutation(actingFor: draft.userID)
    if draft.creditUnits > 0, mutation.caller.scope(Self.chargePermission) == nil {
      throw Problem.insufficientPermissions(Self.chargePermission)
    }
    return PostedActivity(draft, mutation)
  }
}

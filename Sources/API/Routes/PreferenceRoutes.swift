internal import CRM
internal import HTTP
internal import JSON
internal import WrapperClient

/// The caller's own settings.
struct PreferenceRoutes: Sendable {
  let store: RecordStore
  let configuration: APIConfiguration

  private static let path = "/api/preferences"

  var endpoints: [Endpoint] {
    let one = "\(Self.path)/{key}"
    return [
      Endpoint(
        .get, Self.path, access: .signedIn, .preferences,
        handler: .inline { context in
          _ = try context.queryValues([])
          return Self.data(
            try store.preferences(tenantID: context.tenantID, userID: context.session.userID))
        }),
      Endpoint(
        .get, one, access: .signedIn, .preference,
        handler: .inline { context in
          _ = try context.queryValues([])
          return Self.data(
            try store.preference(
              context.parameters["key"], tenantID: context.tenantID,
              userID: context.session.userID))
        }),
      Endpoint(
        .put, one, access: .signedIn, isMutation: true, name: "crm.preferences.update",
        bodyBytesMax: configuration.bodyBytesMax, .setPreference,
        handler: .change { context in
          try store.prepareSetting(
            context.parameters["key"], to: context.bodyBytes, context.mutation())
        }),
      Endpoint(
        .delete, one, access: .signedIn, isMutation: true, name: "crm.preferences.delete",
        .unsetPreference,
        handler: .change { context in
          store.prepareUnsetting(context.parameters["key"], try context.mutation())
        }),
    ]
  }

  private static func data(_ json: [UInt8]) -> HTTPResponse {
    var writer = JSONWriter(capacity: json.count + 16)
    writer.beginObject()
    writer.name("data")
    writer.raw(json)
    writer.endObject()
    return .personal(writer.bytes)
  }
}

internal import EmbeddedWrapper

/// What `serve` says on standard output when it is ready.
enum Greeting {
  static func print(
    _ configuration: ServerConfiguration, port: UInt16, demo: DemoLogin?, setupToken: String?
  ) {
    let scheme = configuration.tls == nil ? "http" : "https"
    let url = "\(scheme)://\(configuration.host):\(port)"
    Terminal.output("Cardfile is listening on \(url)")
    if let setupToken { offerSetup(url, setupToken) }
    guard let demo else { return }
    let login = #"{"email":"\#(demo.email)","password":"\#(demo.password)"}"#
    let takeToken = #"sed 's/.*"token":"\([^"]*\)".*/\1/'"#
    let lead = """
      {"userId":"\(demo.userID)","leadData":{"title":"Enterprise rollout","source":"Website",\
      "value":50000,"customFields":{"region":"EMEA"}}}
      """
    let newestEntries = """
      SELECT timestamp, user_id, operation, credit_cost FROM crm_activities \
      ORDER BY seq DESC LIMIT 5
      """
    Terminal.output(
      """
      Sign in: \(demo.email) \(demo.password)

      Try these:
        TOKEN=$(curl -s \(url)/auth/login --json '\(login)' | \(takeToken))
        curl -s "\(url)/api/leads?limit=3&sort=-value" -H "Authorization: Bearer $TOKEN"
        curl -s \(url)/api/leads -H "Authorization: Bearer $TOKEN" --json '\(lead)'

      Every change is in the activity log:
        sqlite3 \(configuration.databasePath) "\(newestEntries)"
      """)
  }

  /// The token stands behind `#`, which no browser sends to a server or tells another page.
  private static func offerSetup(_ url: String, _ token: String) {
    let body = """
      {"token":"\(token)","tenantName":"My company","name":"My name","email":"me@example.org",\
      "password":"…"}
      """
    Terminal.output(
      """
      Nobody can sign in yet. Set up the first person within 30 minutes, once, by this link:
        \(url)/setup#token=\(token)
      or by this line, with values of your own:
        curl -s \(url)/setup --json '\(body)'
      """)
  }
}

import Testing
import Values

@Suite struct LocalTimeTests {
  @Test(
    "a moment belongs to the day of the zone, also beside a change of the clocks",
    arguments: [
      ("UTC", "2026-01-31T23:59:59.999Z", "2026-01-31"),
      ("Europe/Paris", "2026-01-31T22:59:59.999Z", "2026-01-31"),
      ("Europe/Paris", "2026-01-31T23:00:00.000Z", "2026-02-01"),
      // The clocks go forward on 29 March at 01:00 UTC: the next day begins an hour earlier.
      ("Europe/Paris", "2026-03-28T22:59:59.999Z", "2026-03-28"),
      ("Europe/Paris", "2026-03-28T23:00:00.000Z", "2026-03-29"),
      ("Europe/Paris", "2026-03-29T21:59:59.999Z", "2026-03-29"),
      ("Europe/Paris", "2026-03-29T22:00:00.000Z", "2026-03-30"),
      ("Asia/Kathmandu", "2026-01-31T18:14:59.999Z", "2026-01-31"),
      ("Asia/Kathmandu", "2026-01-31T18:15:00.000Z", "2026-02-01"),
      // Half an hour back on 5 April.
      ("Australia/Lord_Howe", "2026-04-04T12:59:59.999Z", "2026-04-04"),
      ("Australia/Lord_Howe", "2026-04-05T13:29:59.999Z", "2026-04-05"),
      ("Australia/Lord_Howe", "2026-04-05T13:30:00.000Z", "2026-04-06"),
      ("America/New_York", "1969-12-31T12:00:00.000Z", "1969-12-31"),
    ])
  func days(zone: String, moment: String, day: String) throws {
    let time = try #require(LocalTime(zone))
    let moment = try #require(Timestamp(rfc3339: moment))
    #expect(time.day(of: moment).text == day)
  }

  @Test("what is no time zone is none", arguments: ["", "Nowhere/Land", "Europe/../etc/passwd"])
  func unknown(zone: String) {
    #expect(LocalTime(zone) == nil)
  }
}

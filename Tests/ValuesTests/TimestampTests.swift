import Testing
import Values

@Suite struct TimestampTests {
  @Test(
    "every form of RFC 3339 is read",
    arguments: [
      ("1970-01-01T00:00:00Z", 0), ("2026-01-31T10:30:00.000Z", 1_769_855_400_000),
      ("2026-01-31T12:30:00+02:00", 1_769_855_400_000),
      ("2026-01-31t05:00:00.0-05:30", 1_769_855_400_000),
      ("2026-01-31 10:30:00.123456789Z", 1_769_855_400_123),
      ("1969-12-31T23:59:59.999Z", -1), ("2000-02-29T00:00:00Z", 951_782_400_000),
      ("2016-12-31T23:59:60Z", 1_483_228_800_000),
    ])
  func reads(text: String, milliseconds: Int64) {
    #expect(Timestamp(rfc3339: text)?.milliseconds == milliseconds)
  }

  @Test(
    "anything else is refused",
    arguments: [
      "", "2026", "2026-01-31", "2026-01-31T10:30:00", "2026-01-31T10:30Z", "2026-02-30T00:00:00Z",
      "2025-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2026-13-01T00:00:00Z",
      "2026-00-01T00:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T10:60:00Z",
      "2026-01-31T10:30:61Z", "2026-01-31T10:30:00.Z", "2026-01-31T10:30:00.1234567890Z",
      "2026-01-31T10:30:00+24:00", "2026-01-31T10:30:00+02:60", "2026-01-31T10:30:00+0200",
      "2026-01-31T10:30:00Z ", " 2026-01-31T10:30:00Z", "0000-01-01T00:00:00Z",
      "+2026-01-31T10:30:00Z", "２０２６-01-31T10:30:00Z",
    ])
  func refuses(text: String) {
    #expect(Timestamp(rfc3339: text) == nil)
  }

  @Test("text comes back as the same moment, and sorts like it")
  func roundTrips() {
    var generator = SplitMix(state: 11)
    var moments: [Timestamp] = []
    for _ in 0..<2000 {
      let moment = Timestamp(
        milliseconds: Int64.random(
          in: -62_135_596_800_000...253_402_300_799_999, using: &generator))
      #expect(moment.rfc3339.utf8.count == 24)
      #expect(Timestamp(rfc3339: moment.rfc3339) == moment)
      moments.append(moment)
    }
    #expect(moments.sorted().map(\.rfc3339) == moments.map(\.rfc3339).sorted())
  }

  @Test("each day of 800 years follows the one before it")
  func calendar() {
    var previous = CalendarDay(daysSinceEpoch: -150_000)
    for number in -149_999...150_000 {
      let day = CalendarDay(daysSinceEpoch: number)
      let isNext =
        day.day == previous.day + 1 && day.month == previous.month
        || day.day == 1 && (day.month == previous.month + 1 || day.month == 1)
      if !isNext || CalendarDay(year: day.year, month: day.month, day: day.day) != day {
        Issue.record("\(previous.text) is followed by \(day.text)")
      }
      previous = day
    }
    #expect(CalendarDay("2024-02-29")?.text == "2024-02-29")
    #expect(CalendarDay("2023-02-29") == nil)
    #expect(CalendarDay("2023-2-28") == nil)
    #expect(CalendarDay("2023-02-28T") == nil)
  }
}

internal import Testing

@testable import cardfile_bench

@Suite("What the benchmark reads") struct ParsingTests {
  @Test("the options have defaults, and --quick shortens them")
  func options() throws {
    let standard = try Options(parsing: [])
    #expect(standard.seconds == 2)
    #expect(standard.createConnections == [64, 256])
    #expect(standard.document == nil)
    let quick = try Options(parsing: ["--quick", "--write", "--create-connections", "8"])
    #expect(quick.seconds == 1 && quick.rounds == 1)
    #expect(quick.document == "Resources/docs/performance.md")
    #expect(quick.createConnections == [8])
    let elsewhere = try Options(parsing: ["--write", "a.md"])
    #expect(elsewhere.document == "a.md")
  }

  @Test(
    "an option that cannot be meant is refused",
    arguments: [
      ["--seconds"], ["--seconds", "0"], ["--seconds", "x"], ["--create-connections", "64,x"],
      ["--create-connections", ","], ["--rounds", "100"], ["now"],
    ])
  func refusedOptions(arguments: [String]) {
    #expect(throws: BenchmarkError.self) { try Options(parsing: arguments) }
  }

  @Test("the script's line is read from the end of wrk's output")
  func wrkResult() {
    let output = "Running 3s test\n  64 connections\nRESULT 3000 2000000 1500 9000 7\n"
    let result = LoadGenerator.result(in: output)
    #expect(
      result
        == LoadResult(requests: 3000, seconds: 2, median: 1.5, percentile99: 9, failures: 7))
    #expect(result?.requestsPerSecond == 1500)
  }

  @Test(
    "output without a whole line, or of a run without requests, is no result",
    arguments: ["", "unable to connect", "RESULT 1 2 3", "RESULT 0 1 1 1 0", "RESULT a b c d e"])
  func noResult(output: String) {
    #expect(LoadGenerator.result(in: output) == nil)
  }

  @Test("the server's announcement is read once both lines are whole")
  func announcement() {
    let address = "Cardfile is listening on http://127.0.0.1:41234\n"
    #expect(ServerProcess.announcement(in: address) == nil)
    #expect(ServerProcess.announcement(in: address + "Sign in: a@b.example pass") == nil)
    let announced = ServerProcess.announcement(in: address + "\n  Sign in: a@b.example pass\n")
    #expect(announced?.port == 41234)
    #expect(announced?.email == "a@b.example")
    #expect(announced?.password == "pass")
    #expect(ServerProcess.announcement(in: address + "Sign in: a@b.example\n") == nil)
  }

  @Test("processor time is found behind a name with spaces and parentheses")
  func processorTime() {
    let fields = "S 1 1 1 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 1 0 1 1 1"
    #expect(ProcessStatistics.processorSeconds(inStat: "12 (a (b) c) \(fields)") == 3)
    #expect(ProcessStatistics.processorSeconds(inStat: "12 (a) S 1") == nil)
  }

  @Test("resident memory is read in kibibytes")
  func residentMemory() {
    let text = "Name:\tcardfile\nVmRSS:\t   31250 kB\nThreads:\t4\n"
    #expect(ProcessStatistics.residentMegabytes(inStatus: text) == 32)
    #expect(ProcessStatistics.residentMegabytes(inStatus: "Name:\tcardfile\n") == nil)
  }
}

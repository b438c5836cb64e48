internal import Testing

/// The program itself, as a child process: what no test inside one process can see.
///
/// One at a time: each test starts several processes, and the machine may be small.
@Suite("The program", .serialized) struct ProgramTests {}

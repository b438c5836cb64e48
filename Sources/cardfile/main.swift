internal import Foundation

// Everything else stands in functions of other files: code in this one is isolated to the main
// actor, and libmicrohttpd calls back from threads of its own.
exit(await Program.run(Array(CommandLine.arguments.dropFirst())))

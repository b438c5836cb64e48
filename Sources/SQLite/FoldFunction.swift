internal import CSQLite
internal import Values

/// The SQL function `fold(text)`: NULL for NULL, otherwise the argument as text, folded.
func foldText(
  _ context: OpaquePointer?, _ count: Int32, _ arguments: UnsafeMutablePointer<OpaquePointer?>?
) {
  guard let argument = arguments?[0], let bytes = sqlite3_value_text(argument) else {
    sqlite3_result_null(context)
    return
  }
  let text = UnsafeBufferPointer(start: bytes, count: Int(sqlite3_value_bytes(argument)))
  var folded = Folding.fold(String(decoding: text, as: UTF8.self))
  folded.withUTF8 { folded in
    folded.withMemoryRebound(to: CChar.self) { folded in
      sqlite3_result_text64(
        context, folded.baseAddress, UInt64(folded.count), cardfile_sqlite3_transient(),
        UInt8(SQLITE_UTF8))
    }
  }
}

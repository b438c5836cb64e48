import HTTP
import Testing

/// RFC 6266, RFC 8187, RFC 7578.
@Suite struct ContentDispositionTests {
  @Test(
    "the file's name is found in every form",
    arguments: [
      ("attachment; filename=plain.txt", "plain.txt"),
      ("attachment; filename=\"with space.txt\"", "with space.txt"),
      ("attachment;filename=\"semi;colon.txt\" ; x=y", "semi;colon.txt"),
      ("attachment; FileName=\"a \\\"quoted\\\" \\\\ name\"", "a \"quoted\" \\ name"),
      ("attachment; filename=\"C:\\temp\\new.txt\"", "C:\\temp\\new.txt"),
      ("attachment; filename*=UTF-8''%e2%82%ac%20rates", "€ rates"),
      ("attachment; filename=\"EURO.txt\"; filename*=utf-8'en'%E2%82%AC.txt", "€.txt"),
      ("attachment; filename*=UTF-8''%E2%82%AC.txt; filename=\"EURO.txt\"", "€.txt"),
      ("attachment; filename*=UTF-8''%ff%fe; filename=ok.txt", "ok.txt"),
      ("attachment; filename*=EBCDIC''x; filename=ok.txt", "ok.txt"),
      ("attachment; filename=first; filename=second", "first"),
      ("form-data; name=\"f\"; filename=\"naïve.pdf\"", "naïve.pdf"),
      ("inline; filename = spaced.txt", "spaced.txt"), ("; filename=x", "x"),
      ("attachment; filename=\"never ends", "never ends"),
    ])
  func fileName(field: String, expected: String) {
    #expect(ContentDisposition(field).fileName == expected)
  }

  @Test(
    "what names no file has no name", arguments: ["", "attachment", "form-data; name=f", ";;="])
  func noFileName(field: String) {
    #expect(ContentDisposition(field).fileName == nil)
  }

  @Test("a form's field has its own name")
  func formField() {
    let disposition = ContentDisposition("Form-Data; name=\"photo\"; filename=\"a.png\"")
    #expect(disposition.kind == "form-data")
    #expect(disposition.fieldName == "photo")
  }

  @Test(
    "a name is offered in a form that no client misreads, and reads back the same",
    arguments: [
      ("report.pdf", "attachment; filename=\"report.pdf\""),
      (
        "Überblick €.pdf",
        "attachment; filename=\"_berblick _.pdf\"; "
          + "filename*=UTF-8''%C3%9Cberblick%20%E2%82%AC.pdf"
      ),
      (
        "a\"b\\c%41.txt",
        "attachment; filename=\"a_b_c_41.txt\"; filename*=UTF-8''a%22b%5Cc%2541.txt"
      ),
      ("line\nbreak", "attachment; filename=\"line_break\"; filename*=UTF-8''line%0Abreak"),
    ])
  func attachment(name: String, expected: String) {
    let field = ContentDisposition.attachment(fileName: name)
    #expect(field == expected)
    #expect(ContentDisposition(field).fileName == name)
  }

  @Test("parameters of a media type are found")
  func mediaType() {
    let type = FieldParameters("Multipart/Form-Data; charset=utf-8; Boundary=\"a b\"")
    #expect(type.value == "multipart/form-data")
    #expect(type["boundary"] == "a b")
    #expect(type["charset"] == "utf-8")
    #expect(type["other"] == nil)
  }
}

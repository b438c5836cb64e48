internal import CGnuTLS

/// A certificate chain and its key as GnuTLS reads them once, for any number of handshakes.
///
/// A handshake refers to both without owning them, so each connection keeps the one it was given.
// Safety: neither is changed after the initializer, and GnuTLS only reads them.
final class TLSCertificate: @unchecked Sendable {
  /// The most certificates of a chain.
  private static let chainCountMax: UInt32 = 16

  let chain: UnsafeMutablePointer<gnutls_pcert_st>
  let chainCount: UInt32
  let key: gnutls_privkey_t

  /// Protocols from TLS 1.2 on, without compression of any kind (RFC 9325).
  static let priorities = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

  init(_ identity: TLSIdentity) throws(HTTPServerError) {
    var key: gnutls_privkey_t?
    try Self.check(gnutls_privkey_init(&key))
    guard let key else { throw .invalidIdentity("GnuTLS made no key.") }
    let chain = UnsafeMutablePointer<gnutls_pcert_st>.allocate(capacity: Int(Self.chainCountMax))
    var count = Self.chainCountMax
    do throws(HTTPServerError) {
      try Self.check(
        Self.withDatum(identity.privateKey) {
          gnutls_privkey_import_x509_raw(key, $0, GNUTLS_X509_FMT_PEM, nil, 0)
        })
      try Self.check(
        Self.withDatum(identity.certificateChain) {
          gnutls_pcert_list_import_x509_raw(chain, &count, $0, GNUTLS_X509_FMT_PEM, 0)
        })
    } catch {
      gnutls_privkey_deinit(key)
      chain.deallocate()
      throw error
    }
    self.key = key
    self.chain = chain
    chainCount = count
    guard count > 0 else { throw .invalidIdentity("There is no certificate.") }
    try checkThatKeyFits()
  }

  deinit {
    for index in 0..<Int(chainCount) { gnutls_pcert_deinit(chain + index) }
    chain.deallocate()
    gnutls_privkey_deinit(key)
  }

  /// GnuTLS would find out in each handshake; an operator wants to know before.
  private func checkThatKeyFits() throws(HTTPServerError) {
    var publicKey: gnutls_pubkey_t?
    try Self.check(gnutls_pubkey_init(&publicKey))
    defer { gnutls_pubkey_deinit(publicKey) }
    try Self.check(gnutls_pubkey_import_privkey(publicKey, key, 0, 0))
    guard try Self.identifier(publicKey) == Self.identifier(chain.pointee.pubkey) else {
      throw .invalidIdentity("The private key is not that of the certificate.")
    }
  }

  private static func identifier(_ key: gnutls_pubkey_t?) throws(HTTPServerError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 64)
    var count = bytes.count
    try check(gnutls_pubkey_get_key_id(key, 0, &bytes, &count))
    return Array(bytes.prefix(count))
  }

  private static func withDatum(
    _ bytes: [UInt8], _ body: (UnsafePointer<gnutls_datum_t>) -> Int32
  ) -> Int32 {
    bytes.withUnsafeBufferPointer { buffer in
      var datum = gnutls_datum_t(
        data: UnsafeMutablePointer(mutating: buffer.baseAddress), size: UInt32(buffer.count))
      return body(&datum)
    }
  }

  private static func check(_ result: Int32) throws(HTTPServerError) {
    guard result < 0 else { return }
    throw .invalidIdentity(gnutls_strerror(result).map { String(cString: $0) } ?? "\(result)")
  }
}

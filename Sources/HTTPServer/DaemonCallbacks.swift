internal import CGnuTLS
internal import CMicrohttpd
internal import Glibc
internal import Values

// What libmicrohttpd calls. Functions of a file are isolated to nothing, which a callback on a
// foreign thread must be. The context of all is the ServerCore, which outlives the daemon; a
// connection's socket context is its ClientConnection, a request's context its ServedRequest, each
// retained once from the first callback to the last.

let unescapeCallback:
  @convention(c) (
    UnsafeMutableRawPointer?, OpaquePointer?, UnsafeMutablePointer<CChar>?
  ) -> Int = unescape

let acceptCallback:
  @convention(c) (
    UnsafeMutableRawPointer?, UnsafePointer<sockaddr>?, socklen_t
  ) -> MHD_Result = judgeConnection

let lineCallback:
  @convention(c) (
    UnsafeMutableRawPointer?, UnsafePointer<CChar>?, OpaquePointer?
  ) -> UnsafeMutableRawPointer? = receiveLine

let completedCallback:
  @convention(c) (
    UnsafeMutableRawPointer?, OpaquePointer?, UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
    MHD_RequestTerminationCode
  ) -> Void = complete

let connectionCallback:
  @convention(c) (
    UnsafeMutableRawPointer?, OpaquePointer?, UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
    MHD_ConnectionNotificationCode
  ) -> Void = noteConnection

let certificateCallback:
  @convention(c) (
    gnutls_session_t?, UnsafePointer<gnutls_datum_t>?, Int32,
    UnsafePointer<gnutls_pk_algorithm_t>?, Int32,
    UnsafeMutablePointer<UnsafeMutablePointer<gnutls_pcert_st>?>?, UnsafeMutablePointer<UInt32>?,
    UnsafeMutablePointer<gnutls_privkey_t?>?
  ) -> Int32 = chooseCertificate

func accessCallback(
  _ context: UnsafeMutableRawPointer?, _ handle: OpaquePointer?, _ url: UnsafePointer<CChar>?,
  _ method: UnsafePointer<CChar>?, _ version: UnsafePointer<CChar>?,
  _ data: UnsafePointer<CChar>?, _ dataCount: UnsafeMutablePointer<Int>?,
  _ request: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> MHD_Result {
  guard let handle, let dataCount, let request = request?.pointee else { return .NO }
  return Unmanaged<ServedRequest>.fromOpaque(request).takeUnretainedValue().proceed(
    AccessCall(
      handle: handle, method: method, version: version, data: data, dataCount: dataCount))
}

/// Turns new connections away while the server stops.
private func judgeConnection(
  _ context: UnsafeMutableRawPointer?, _ address: UnsafePointer<sockaddr>?, _ size: socklen_t
) -> MHD_Result {
  guard let context else { return .NO }
  let core = Unmanaged<ServerCore>.fromOpaque(context).takeUnretainedValue()
  return core.isStopping ? .NO : .YES
}

/// Leaves percent-encoding alone: the router decodes after it has split the path.
private func unescape(
  _ context: UnsafeMutableRawPointer?, _ handle: OpaquePointer?,
  _ text: UnsafeMutablePointer<CChar>?
) -> Int {
  text.map { MemoryLayout<CChar>.size * lengthOf($0) } ?? 0
}

private func receiveLine(
  _ context: UnsafeMutableRawPointer?, _ line: UnsafePointer<CChar>?, _ handle: OpaquePointer?
) -> UnsafeMutableRawPointer? {
  guard let core = core(context), let handle, let connection = connection(of: handle) else {
    return nil
  }
  let now = core.time.monotonicNanoseconds()
  connection.mustProgress(by: core.deadline(now, seconds: core.limits.headerSeconds))
  let request = ServedRequest(
    core: core, connection: connection, target: RequestTarget(line, limits: core.limits))
  return Unmanaged.passRetained(request).toOpaque()
}

private func complete(
  _ context: UnsafeMutableRawPointer?, _ handle: OpaquePointer?,
  _ request: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ code: MHD_RequestTerminationCode
) {
  guard let request, let pointer = request.pointee else { return }
  request.pointee = nil
  Unmanaged<ServedRequest>.fromOpaque(pointer).takeRetainedValue().complete()
}

private func noteConnection(
  _ context: UnsafeMutableRawPointer?, _ handle: OpaquePointer?,
  _ slot: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ code: MHD_ConnectionNotificationCode
) {
  guard let core = core(context), let handle, let slot else { return }
  if code == .CONNECTION_NOTIFY_STARTED {
    let now = core.time.monotonicNanoseconds()
    let descriptor =
      cardfile_connection_info(handle, .CONNECTION_INFO_CONNECTION_FD)?.pointee.connect_fd ?? -1
    let connection = ClientConnection(
      handle: handle, descriptor: descriptor,
      remoteAddress: SocketAddress.text(
        cardfile_connection_info(handle, .CONNECTION_INFO_CLIENT_ADDRESS)?.pointee.client_addr),
      isExcess: core.registry.count >= core.limits.connectionsServedMax,
      isForeign: core.isLocal && !UnixSocket.isPeerTrusted(descriptor),
      deadline: core.deadline(now, seconds: core.limits.headerSeconds), core: core)
    slot.pointee = Unmanaged.passRetained(connection).toOpaque()
    core.registry.insert(connection)
  } else if let pointer = slot.pointee {
    slot.pointee = nil
    core.registry.remove(
      Unmanaged<ClientConnection>.fromOpaque(pointer).takeRetainedValue())
  }
}

/// Gives a handshake the certificate of the moment, so that a new one takes effect at once.
private func chooseCertificate(
  _ session: gnutls_session_t?, _ authorities: UnsafePointer<gnutls_datum_t>?,
  _ authorityCount: Int32, _ algorithms: UnsafePointer<gnutls_pk_algorithm_t>?,
  _ algorithmCount: Int32,
  _ chain: UnsafeMutablePointer<UnsafeMutablePointer<gnutls_pcert_st>?>?,
  _ chainCount: UnsafeMutablePointer<UInt32>?, _ key: UnsafeMutablePointer<gnutls_privkey_t?>?
) -> Int32 {
  // libmicrohttpd keeps its connection in the session.
  guard let session, let handle = gnutls_session_get_ptr(session).map({ OpaquePointer($0) }),
    let connection = connection(of: handle), let certificate = connection.certificateForHandshake()
  else { return -1 }
  chain?.pointee = certificate.chain
  chainCount?.pointee = certificate.chainCount
  key?.pointee = certificate.key
  return 0
}

private func core(_ context: UnsafeMutableRawPointer?) -> ServerCore? {
  context.map { Unmanaged<ServerCore>.fromOpaque($0).takeUnretainedValue() }
}

private func connection(of handle: OpaquePointer) -> ClientConnection? {
  guard let info = cardfile_connection_info(handle, .CONNECTION_INFO_SOCKET_CONTEXT),
    let pointer = info.pointee.socket_context
  else { return nil }
  return Unmanaged<ClientConnection>.fromOpaque(pointer).takeUnretainedValue()
}

private func lengthOf(_ text: UnsafeMutablePointer<CChar>) -> Int {
  var count = 0
  while text[count] != 0 { count += 1 }
  return count
}

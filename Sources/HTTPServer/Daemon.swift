internal import CGnuTLS
internal import CMicrohttpd
internal import Glibc

/// A running libmicrohttpd with its threads.
struct Daemon: Sendable {
  // Safety: libmicrohttpd allows stopping from any thread, and HTTPServer does it once.
  private nonisolated(unsafe) let handle: OpaquePointer

  /// Starts the threads, which serve `core` until ``stop()``.
  init(
    core: ServerCore, descriptor: Int32, configuration: HTTPServerConfiguration
  ) throws(HTTPServerError) {
    let context = Unmanaged.passUnretained(core).toOpaque()
    let limits = core.limits
    var options = [
      Self.option(.CONNECTION_MEMORY_LIMIT, HTTPLimits.poolBytes),
      Self.option(.CONNECTION_LIMIT, limits.connectionsMax),
      Self.option(.PER_IP_CONNECTION_LIMIT, limits.connectionsPerAddressMax),
      Self.option(.CONNECTION_TIMEOUT, limits.idleSeconds),
      Self.option(.LISTEN_SOCKET, Int(descriptor)),
      Self.option(.UNESCAPE_CALLBACK, unsafeBitCast(unescapeCallback, to: Int.self), context),
      Self.option(.URI_LOG_CALLBACK, unsafeBitCast(lineCallback, to: Int.self), context),
      Self.option(
        .NOTIFY_COMPLETED, unsafeBitCast(completedCallback, to: Int.self), context),
      Self.option(
        .NOTIFY_CONNECTION, unsafeBitCast(connectionCallback, to: Int.self), context),
    ]
    if configuration.threads > 1 {
      options.append(Self.option(.THREAD_POOL_SIZE, configuration.threads))
    }
    var flags =
      MHD_USE_INTERNAL_POLLING_THREAD.rawValue | MHD_USE_EPOLL.rawValue
      | MHD_ALLOW_SUSPEND_RESUME.rawValue
    if core.isSecure {
      flags |= MHD_USE_TLS.rawValue
      options.append(
        Self.option(
          .HTTPS_CERT_CALLBACK, 0,
          unsafeBitCast(certificateCallback, to: UnsafeMutableRawPointer.self)))
    }
    guard let handle = Self.start(flags: flags, options: options, context: context, core: core)
    else { throw .daemonRefused }
    self.handle = handle
  }

  /// Ends all connections and threads and closes the listening socket; blocks until they have
  /// ended.
  ///
  /// `MHD_quiesce_daemon` is not called before: in 0.9.75 it takes the listening socket out of a
  /// worker's epoll set while the worker may be doing the same, and aborts the process when the
  /// worker was faster. New connections are turned away by the accept policy instead.
  ///
  /// libmicrohttpd aborts the process when a connection is suspended at that moment.
  func stop() {
    MHD_stop_daemon(handle)
  }

  private static func start(
    flags: UInt32, options: [MHD_OptionItem], context: UnsafeMutableRawPointer, core: ServerCore
  ) -> OpaquePointer? {
    TLSCertificate.priorities.withCString { priorities in
      var options = options
      if core.isSecure {
        options.append(
          option(.HTTPS_PRIORITIES, 0, UnsafeMutableRawPointer(mutating: priorities)))
      }
      options.append(option(.END, 0))
      return options.withUnsafeMutableBufferPointer { options in
        guard let start = options.baseAddress else { return nil }
        return withVaList([Int32(MHD_OPTION.ARRAY.rawValue), start, Int32(MHD_OPTION.END.rawValue)])
        {
          MHD_start_daemon_va(
            flags, 0, acceptCallback, context, accessCallback, context, $0)
        }
      }
    }
  }

  private static func option(
    _ kind: MHD_OPTION, _ value: Int, _ pointer: UnsafeMutableRawPointer? = nil
  ) -> MHD_OptionItem {
    MHD_OptionItem(option: kind, value: value, ptr_value: pointer)
  }
}

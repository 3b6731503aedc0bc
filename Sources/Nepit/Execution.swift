public import CSystem
public import NepitMath

/// How to run a call whose work can be long.
public struct Execution {
  /// Is told the progress, 0 ... 1, on the calling thread; a value other than 0 stops the call.
  public typealias Monitor = @convention(c) (_ context: UnsafeMutableRawPointer?, _ progress: Double) -> Int32

  let threads: Int
  let monitor: Monitor?
  let context: UnsafeMutableRawPointer?
  /// The caller's floating-point environment, under which the monitor runs.
  var environment: UInt32 = 0

  /// - Parameters:
  ///   - threads: How many threads work, the calling one included; 0 means as many as it may use processors.
  ///   - monitor: Is told the progress now and then.
  ///   - context: Handed to the monitor.
  public init(
    threads: Int, monitor: Monitor? = nil, context: UnsafeMutableRawPointer? = nil
  ) throws(CallError) {
    guard threads >= 0 else { throw .parameter }
    self.threads = threads == 0 ? Int(cs_processors()) : threads
    (self.monitor, self.context) = (monitor, context)
  }

  /// The calling thread alone, nobody told.
  public static var inline: Execution { Execution() }

  /// The same, its monitor to run under the floating-point environment given.
  public func monitored(in environment: UInt32) -> Execution {
    var copy = self
    copy.environment = environment
    return copy
  }

  /// The same, nobody told.
  var unwatched: Execution { Execution(threads) }

  private init(_ threads: Int = 1) { (self.threads, monitor, context) = (threads, nil, nil) }
}

/// Runs `body` in the default floating-point environment, whatever the caller's is, and puts that back, flags
/// included. `body` is handed the caller's.
@inline(__always)
public func inDefaultEnvironment<Result>(
  _ body: (_ callers: UInt32) throws(CallError) -> Result
) throws(CallError) -> Result {
  let callers = cs_float_environment_enter()
  defer { cs_float_environment_restore(callers) }
  return try body(callers)
}

/// The level of x86-64 whose kernels run: 1, 3 or 4.
public func instructionSetLevel() -> Int { Int(instructionSet()) }

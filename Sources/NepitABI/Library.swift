// The library section of nepit.h.

public import CNepit
internal import Nepit

/// A constant C string: static memory, no initialiser.
@inline(__always)
private func constant(_ text: StaticString) -> UnsafePointer<CChar> {
  UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
}

@_cdecl("nepit_version") @implementation
public func nepit_version() -> UnsafePointer<CChar>? { constant("0.1.0") }

@_cdecl("nepit_isa") @implementation
public func nepit_isa() -> UnsafePointer<CChar>? {
  switch instructionSetLevel() {
  case 4: constant("x86-64-v4")
  case 3: constant("x86-64-v3")
  default: constant("x86-64")
  }
}

@_cdecl("nepit_status_message") @implementation
public func nepit_status_message(_ status: nepit_status) -> UnsafePointer<CChar>? {
  switch status {
  case NEPIT_OK: constant("no error")
  case NEPIT_ERROR_NULL: constant("a pointer that is needed is NULL")
  case NEPIT_ERROR_SHAPE: constant("extents disagree, are empty or too large, or elements overlap")
  case NEPIT_ERROR_DTYPE: constant("no such element type, or one that does not serve here")
  case NEPIT_ERROR_BASE: constant("the base of the logarithm is not finite and greater than 1")
  case NEPIT_ERROR_PARAMETER: constant("a number is outside the range its comment gives")
  case NEPIT_ERROR_SIZE: constant("the size of a record is not one this library knows")
  case NEPIT_ERROR_MEMORY: constant("there is no memory")
  case NEPIT_ERROR_CANCELLED: constant("the monitor asked to stop")
  case NEPIT_ERROR_LABEL: constant("a label is no column, and not the one that is ignored")
  case NEPIT_ERROR_FORMAT: constant("the bytes are not what a save function wrote, or they are damaged")
  default: constant("no such status")
  }
}

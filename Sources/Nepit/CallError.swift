/// What can be wrong with a call. Values of the data are never errors: they give NaN or infinity.
public enum CallError: Int32, Error {
  case null = -1
  case shape = -2
  case elementType = -3
  case base = -4
  case parameter = -5
  case size = -6
  case memory = -7
  case cancelled = -8
  case label = -9
  case format = -10
}

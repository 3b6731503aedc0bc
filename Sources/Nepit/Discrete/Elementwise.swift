internal import CSystem

/// -x log x of each element: 0 at 0, -infinity below.
public func entr(_ x: Matrix, into out: MutableMatrix, running execution: Execution) throws(CallError) {
  try Elementwise(.entr).evaluate(x, x, execution, into: out)
}

/// x log(x / y) of each pair of elements.
public func relEntr(
  _ x: Matrix, _ y: Matrix, into out: MutableMatrix, running execution: Execution
) throws(CallError) {
  try Elementwise(.rel_entr).evaluate(x, y, execution, into: out)
}

/// x log(x / y) - x + y of each pair of elements, at least 0.
public func klDiv(
  _ x: Matrix, _ y: Matrix, into out: MutableMatrix, running execution: Execution
) throws(CallError) {
  try Elementwise(.kl_div).evaluate(x, y, execution, into: out)
}

/// The binary entropy of each element, and its derivative; either output may be absent.
public func binaryEntropies(
  of probabilities: Matrix, in unit: InformationUnit, into out: MutableMatrix?, _ gradient: MutableMatrix?,
  running execution: Execution
) throws(CallError) {
  var task = Elementwise(.binary_entropy)
  task.parameters.factor = unit.nepits
  try task.evaluate(probabilities, probabilities, execution, into: out, gradient)
}

import CNepit
import Foundation
import Nepit
import Testing

@Suite("Softmax cross-entropy")
struct SoftmaxCrossEntropyTests {
  /// Rows of few columns are worked on together, rows of many each by itself; ignored rows need nothing where only
  /// losses and gradients are asked for.
  @Test("losses and gradients do not depend on what else is asked for, nor on how weights lie", arguments: [7, 700])
  func outputs(_ columns: Int) throws {
    var random = Random("outputs")
    let rows = 40
    let logits = (0..<rows * columns).map { _ in 12 * random.uniform() - 6 }
    let labels = (0..<rows).map { $0 % 5 == 0 ? -100 : Double($0 % columns) }
    let weights = random.weights(rows)
    let export = try #require(Export.every.first { $0.name == "softmax_cross_entropy" })
    for type in [.float64, .float32] as [ElementType] {
      let inputs = [
        "logits": Elements(logits, rows: rows, as: type), "labels": Elements(labels, rows: rows, as: .int64),
        "row_weights": Elements(weights, rows: rows),
      ]
      let all = Call(inputs, [:])
      #expect(export.run(all) == NEPIT_OK)
      let some = Call(inputs, [:])
      some.wanted = ["losses": (rows, 1), "gradient": (rows, columns)]
      some.outputType = .float32
      some.inputs["row_weights"] = Elements(weights)
      #expect(export.run(some) == NEPIT_OK)

      func values(_ call: Call, _ name: String) -> [Double] { call.values(call.outputs.first { $0.name == name }!) }
      #expect(haveSameBits(values(some, "losses"), values(all, "losses")))
      let rounded = values(all, "gradient").map { Double(Float($0)) }
      check(haveSameBits(values(some, "gradient"), rounded), "\(type): the gradient is another")
    }
  }

  /// What was added up relative to one logit becomes relative to a greater one.
  @Test("long rows of floats whose greatest logit comes late, or after nothing")
  func longRows() throws {
    let export = try #require(Export.every.first { $0.name == "logsumexp" })
    func logSum(_ logits: [Double]) -> Double {
      let call = Call(["logits": Elements(logits, as: .float32)], ["temperature": 1])
      #expect(export.run(call) == NEPIT_OK)
      return call.values(call.outputs[0])[0]
    }
    let rising = (0..<20_000).map { Double(Float(6e-4 * Double($0))) }
    var late = rising
    for index in 0..<15_000 { late[index] = -.infinity }
    for logits in [rising, late] {
      let want = Foundation.log(logits.reduce(0) { $0 + Foundation.exp($1) })
      #expect(relativeError(logSum(logits), want) < 0x1p-19)
    }
    late[3] = .nan
    #expect(logSum(late).isNaN)
    #expect(logSum(late.map { _ in -.infinity }).isNaN)
  }
}

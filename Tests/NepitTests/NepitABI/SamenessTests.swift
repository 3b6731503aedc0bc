// "The same bits come from every instruction set, number of threads, alignment, stride and batch": here all but the
// instruction set, which Tests/CHarness/isa.sh compares.

import CNepit
import Nepit
import Testing

/// The numbers that functions take; the names mean the same in each of them, but alpha.
private let numbers: [String: Double] = [
  "base": 2, "order": 1.7, "weight": 0.3, "alpha": 0.3, "floor": 1e-4, "epsilon": 1e-3, "tolerance": 1e-9,
]

/// A call of any export: every input it may have, by its name.
private func anyCall(_ export: Export, rows: Int, columns: Int, _ draw: (Int) -> [Double]) -> Call {
  let isGrouped = export.name == "generalized_jensen_shannon"
  let rows = isGrouped ? 3 * rows : rows
  var inputs: [String: Elements] = [:]
  let first = Elements(draw(rows * columns), rows: rows), second = Elements(draw(rows * columns), rows: rows)
  for name in ["weights", "p", "x", "probabilities"] { inputs[name] = first }
  for name in ["q", "y", "background"] { inputs[name] = second }
  let call = Call(inputs, numbers)
  if isGrouped {
    call.inputs["mixing"] = Elements([0.5, 0.2, 0.3])
    call.numbers["members"] = 3
  }
  return call
}

extension Elements {
  fileprivate func row(_ index: Int) -> Elements {
    var copy = self
    let length = bytes.count / rows
    copy.rows = 1
    copy.bytes = Array(bytes[index * length..<(index + 1) * length])
    return copy
  }

  /// The same values as another type, which must hold them exactly.
  fileprivate func converted(to type: ElementType) -> Elements {
    bytes.withUnsafeBytes { memory in
      let size = self.type.byteCount
      let values = (0..<rows * columns).map { self.type.decode(memory.baseAddress! + $0 * size) }
      return Elements(values, rows: rows, as: type)
    }
  }
}

/// Runs a call and compares it with another of the same, bit by bit.
private func compare(_ export: Export, _ call: Call, with plain: Call, _ what: @autoclosure () -> String) {
  let status = export.run(call)
  guard status == NEPIT_OK else {
    check(false, "\(export.name), \(what()): status \(status)")
    return
  }
  check(call.isTidy, "\(export.name), \(what()): something was written outside of the outputs")
  for (output, expected) in zip(call.outputs, plain.outputs) {
    let (got, want) = (call.values(output), plain.values(expected))
    if haveSameBits(got, want) { continue }
    let index = zip(got, want).enumerated().first { canonicalBits($1.0) != canonicalBits($1.1) }?.offset ?? 0
    let (a, b) = (hex(got[index]), hex(want[index]))
    check(false, "\(export.name), \(what()): \(output.name)[\(index)] is \(a), not \(b)")
  }
}

@Suite("Sameness")
struct SamenessTests {
  /// Every case of the vectors, with what they have of types, zeros and edges.
  @Test("the vectors, in each layout and by threads", arguments: Layout.allCases, [1, 3] as [Int32])
  func vectors(_ layout: Layout, _ threads: Int32) {
    for file in vectorFiles {
      guard let export = Export.every.first(where: { $0.name == file.name }) else { continue }
      for vector in file.cases {
        let plain = Call(vector)
        guard export.run(plain) == NEPIT_OK else { continue }
        compare(export, plain.copy(layout: layout, threads: threads), with: plain, "\(vector.name), \(layout)")
      }
    }
  }

  @Test("by 1 to 8 threads", arguments: Export.all)
  func threads(_ export: Export) {
    var random = Random("threads")
    let isQuick = ["entropy", "cross_entropy", "kl_divergence", "total_variation", "entr"].contains(export.name)
    // Rows that all work on, rows that are shared out, and many that are shared out in blocks.
    for (rows, columns, numbers) in [
      (1, isQuick ? 200_001 : 100_001, isQuick ? [1, 2, 3, 4, 5, 6, 7, 8, 0] : [8]), (2, 33_001, [5]), (8, 9001, [3]),
      (3000, 23, [2]),
    ] as [(Int, Int, [Int32])] {
      let plain = anyCall(export, rows: rows, columns: columns) { random.weights($0) }
      #expect(export.run(plain) == NEPIT_OK)
      for threads in numbers {
        compare(export, plain.copy(threads: threads), with: plain, "\(rows) x \(columns), \(threads) threads")
      }
    }
  }

  /// Rows and columns enough for copies of many rows at a time, and for what is left over.
  @Test("in each layout", arguments: Export.all)
  func layouts(_ export: Export) {
    var random = Random("layouts")
    for (rows, columns) in [(1, 300), (40, 301), (17, 9), (301, 37), (23, 1), (2, 33_001)] {
      let plain = anyCall(export, rows: rows, columns: columns) { random.weights($0) }
      #expect(export.run(plain) == NEPIT_OK)
      for layout in Layout.allCases where layout != .rows && (rows > 2 || columns < 1000 || layout == .columns) {
        compare(export, plain.copy(layout: layout), with: plain, "\(rows) x \(columns), \(layout)")
      }
    }
  }

  @Test("each row alone, and one row beside many", arguments: Export.all)
  func batches(_ export: Export) {
    var random = Random("batches")
    for columns in [5, 64, 129, 1000] {
      let all = anyCall(export, rows: 7, columns: columns) { random.weights($0) }
      #expect(export.run(all) == NEPIT_OK)
      let isGrouped = all.numbers["members"] != nil
      for row in 0..<7 where !isGrouped {
        let one = all.copy { $0.inputs = $0.inputs.mapValues { $0.row(row) } }
        #expect(export.run(one) == NEPIT_OK)
        for (output, whole) in zip(one.outputs, all.outputs) {
          let length = output.columns
          let part = Array(all.values(whole)[row * length..<(row + 1) * length])
          check(haveSameBits(one.values(output), part), "\(export.name): row \(row) of \(columns), \(output.name)")
        }
      }
      guard !all.asked.isDisjoint(with: ["q", "y", "background"]) else { continue }
      // One row of the first input, or of the second, against one that is the same in each row.
      for names in [["weights", "p", "x", "probabilities"], ["q", "y", "background"]] {
        let single = all.copy { call in
          for name in names { call.inputs[name] = call.inputs[name]!.row(2) }
        }
        let repeated = single.copy { call in
          for name in names {
            let row = call.inputs[name]!
            call.inputs[name] = Elements([Double](repeating: 0, count: 7 * columns), rows: 7)
            call.inputs[name]!.bytes = (0..<7).flatMap { _ in row.bytes }
          }
        }
        #expect(export.run(repeated) == NEPIT_OK)
        #expect(export.run(single) == NEPIT_OK)
        let isSame = haveSameBits(single.allValues, repeated.allValues)
        check(isSame, "\(export.name): one row of \(names[1]) for all")
      }
    }
  }

  /// Values that every type holds.
  @Test("for each type of the same values, in some layouts", arguments: Export.all)
  func types(_ export: Export) {
    var random = Random("types")
    for columns in [3, 17, 64, 300] {
      let whole = anyCall(export, rows: columns == 300 ? 19 : 3, columns: columns) { count in
        (0..<count).map { _ in Double(Int.random(in: 0...100, using: &random)) }
      }
      // For functions of probabilities; floats hold them all.
      let fractions = anyCall(export, rows: columns == 300 ? 130 : 3, columns: columns) { count in
        (0..<count).map { _ in Double(Int.random(in: 0...128, using: &random)) / 128 }
      }
      func converted(_ call: Call, _ first: ElementType, _ second: ElementType) -> Call {
        call.copy { call in
          for name in ["weights", "p", "x", "probabilities"] {
            call.inputs[name] = call.inputs[name]!.converted(to: first)
          }
          for name in ["q", "y", "background"] { call.inputs[name] = call.inputs[name]!.converted(to: second) }
        }
      }
      let isGrouped = whole.numbers["members"] != nil
      #expect(export.run(whole) == NEPIT_OK)
      for type in [.int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64] as [ElementType] {
        for layout in [.rows, .columns, .gapped] as [Layout] {
          let call = converted(whole, type, type).copy(layout: layout)
          compare(export, call, with: whole, "\(columns) \(type), \(layout)")
        }
      }
      for call in [whole, fractions] {
        let doubles = converted(call, .float64, .float64), floats = converted(call, .float32, .float32)
        #expect(export.run(doubles) == NEPIT_OK)
        #expect(export.run(floats) == NEPIT_OK)
        // What is read exactly is computed alike.
        for type in [.float16, .bfloat16] as [ElementType] {
          for layout in [.rows, .columns, .gapped] as [Layout] {
            let call = converted(call, type, type).copy(layout: layout)
            compare(export, call, with: floats, "\(columns) \(type), \(layout)")
          }
        }
        compare(export, converted(call, .float16, .bfloat16), with: floats, "\(columns) float16 and bfloat16")
        // Beside a double, or an integer, a float is one.
        if !isGrouped, floats.asked.count > 1, !floats.asked.isDisjoint(with: ["q", "y"]) {
          compare(export, converted(call, .float32, .float64), with: doubles, "\(columns) float32 and float64")
          let columnwise = converted(call, .float32, .float64).copy(layout: .columns)
          compare(export, columnwise, with: doubles, "\(columns) float32 and float64, columns")
          compare(export, converted(call, .float64, .bfloat16), with: doubles, "\(columns) float64 and bfloat16")
        }
        for (output, exact) in zip(floats.outputs, doubles.outputs) {
          let (got, want) = (floats.values(output), doubles.values(exact))
          for row in 0..<output.rows {
            let range = row * output.columns..<(row + 1) * output.columns
            // Of a gradient the terms are about as large as the largest component.
            let scale = want[range].map(abs).filter(\.isFinite).max() ?? 0
            for index in range {
              let error = got[index] == want[index] ? 0 : abs(got[index] - want[index])
              let isSame = got[index].isNaN && want[index].isNaN
              guard
                check(
                  isSame || error <= 0x1p-20 * scale,
                  "\(export.name), \(columns) floats: \(output.name)[\(index)] is \(got[index]), not \(want[index])")
              else { return }
            }
          }
        }
      }
    }
  }

  @Test("written as each type", arguments: Export.all)
  func outputs(_ export: Export) {
    var random = Random("outputs")
    let plain = anyCall(export, rows: 3, columns: 77) { random.weights($0) }
    #expect(export.run(plain) == NEPIT_OK)
    for type in [.float32, .float16, .bfloat16] as [ElementType] {
      for layout in Layout.allCases {
        let call = plain.copy(layout: layout, outputType: type)
        #expect(export.run(call) == NEPIT_OK)
        check(call.isTidy, "\(export.name), \(type), \(layout): something was written outside of the outputs")
        for (output, exact) in zip(call.outputs, plain.outputs) where output.type == type {
          let want = plain.values(exact).map { value in
            type.encode([value]).withUnsafeBytes { type.decode($0.baseAddress!) }
          }
          check(haveSameBits(call.values(output), want), "\(export.name), \(type), \(layout): \(output.name)")
        }
      }
    }
  }
}

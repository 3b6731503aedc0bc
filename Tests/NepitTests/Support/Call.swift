// One call of an export: its arguments in memory laid out as asked, and its results.

import CNepit
import Nepit

/// How a matrix lies in memory.
enum Layout: CaseIterable {
  case rows, columns, reversed, gapped, unaligned

  /// Strides, the first element and the number of elements there is room for.
  func place(_ rows: Int, _ columns: Int) -> (row: Int, column: Int, first: Int, room: Int) {
    switch self {
    case .rows: (columns, 1, 0, rows * columns)
    case .columns: (1, rows, 0, rows * columns)
    case .reversed: (-columns, -1, rows * columns - 1, rows * columns)
    case .gapped: (3 * columns + 2, 3, 1, rows * (3 * columns + 2) + 1)
    // Aligned to an element and to nothing larger.
    case .unaligned: (columns + 2, 1, 1, rows * (columns + 2) + 1)
    }
  }
}

/// The arguments of a call by the names of the header's parameters, each made when it is asked for.
///
/// A closure that passes them to a function in the order of the declaration also tells this order.
final class Call {
  var inputs: [String: Elements]
  var numbers: [String: Double]
  /// The extents of the outputs that are wanted; all that there are if nil.
  var wanted: [String: (rows: Int, columns: Int)]?
  var layout = Layout.rows
  /// What the elements of matrices that are written are to be.
  var outputType = ElementType.float64
  /// Handed to the function if not nil.
  var how: nepit_execution?

  private(set) var outputs: [Output] = []
  /// The inputs and numbers that the function has.
  private(set) var asked: Set<String> = []
  private var memory: [UnsafeMutableRawPointer] = []

  struct Output {
    let name: String
    let rows, columns: Int
    let type: ElementType
    let layout: Layout
    let memory: UnsafeMutableRawBufferPointer
  }

  init(_ inputs: [String: Elements], _ numbers: [String: Double]) {
    (self.inputs, self.numbers) = (inputs, numbers)
  }

  convenience init(_ vector: VectorCase) {
    self.init(vector.inputs, vector.numbers)
    wanted = vector.results.mapValues { ($0.rows, $0.columns) }
  }

  /// The same call, its outputs not yet there.
  func copy(
    layout: Layout = .rows, threads: Int32? = nil, outputType: ElementType = .float64,
    _ change: (Call) -> Void = { _ in }
  ) -> Call {
    let call = Call(inputs, numbers)
    (call.wanted, call.layout, call.outputType) = (wanted, layout, outputType)
    call.how = threads.map {
      nepit_execution(size: MemoryLayout<nepit_execution>.size, threads: $0, monitor: nil, context: nil)
    }
    change(call)
    return call
  }

  deinit {
    for pointer in memory { pointer.deallocate() }
  }

  private func allocate(_ bytes: Int, filledWith byte: UInt8) -> UnsafeMutableRawBufferPointer {
    let pointer = UnsafeMutableRawPointer.allocate(byteCount: max(bytes, 1), alignment: 64)
    memory.append(pointer)
    pointer.initializeMemory(as: UInt8.self, repeating: byte, count: max(bytes, 1))
    return UnsafeMutableRawBufferPointer(start: pointer, count: bytes)
  }

  // MARK: Arguments

  /// Gaps hold what no result may depend on: NaN, or -1.
  func array(_ name: String) -> nepit_array {
    asked.insert(name)
    guard let elements = inputs[name] else { return nepit_rows(nil, 0, 0, NEPIT_F64) }
    let size = elements.type.byteCount
    let place = layout.place(elements.rows, elements.columns)
    let memory = allocate(place.room * size, filledWith: 0xff)
    elements.bytes.withUnsafeBytes { bytes in
      if layout == .rows { return memory.copyMemory(from: bytes) }
      for row in 0..<elements.rows {
        for column in 0..<elements.columns {
          let element = bytes.baseAddress! + (row * elements.columns + column) * size
          let index = place.first + row * place.row + column * place.column
          (memory.baseAddress! + index * size).copyMemory(from: element, byteCount: size)
        }
      }
    }
    return nepit_array(
      data: memory.baseAddress! + place.first * size, rows: elements.rows, cols: elements.columns,
      row_stride: place.row, col_stride: place.column, dtype: elements.type.rawValue)
  }

  func number(_ name: String) -> Double {
    asked.insert(name)
    guard let number = numbers[name] else { fatalError("nothing is given for \(name)") }
    return number
  }

  func count(_ name: String) -> Int { Int(number(name)) }

  func doubles(_ name: String) -> UnsafePointer<Double>? {
    asked.insert(name)
    guard let elements = inputs[name] else { return nil }
    let memory = allocate(elements.bytes.count, filledWith: 0)
    memory.copyBytes(from: elements.bytes)
    return UnsafePointer(memory.baseAddress!.assumingMemoryBound(to: Double.self))
  }

  var execution: UnsafePointer<nepit_execution>? {
    guard let how else { return nil }
    let memory = allocate(MemoryLayout<nepit_execution>.size, filledWith: 0)
    memory.storeBytes(of: how, as: nepit_execution.self)
    return UnsafePointer(memory.baseAddress!.assumingMemoryBound(to: nepit_execution.self))
  }

  // MARK: Outputs

  private static let untouched: UInt8 = 0xa5

  private var rows: Int {
    let all = inputs.filter { $0.key != "mixing" }.map(\.value.rows).max() ?? 0
    return all / Int(numbers["members"] ?? 1)
  }

  private func output(
    _ name: String, _ rows: Int, _ columns: Int, _ type: ElementType, _ layout: Layout
  ) -> Output? {
    var (rows, columns) = (rows, columns)
    if let wanted {
      guard let extent = wanted[name] else { return nil }
      (rows, columns) = extent
    }
    let memory = allocate(layout.place(rows, columns).room * type.byteCount + 64, filledWith: Call.untouched)
    let output = Output(name: name, rows: rows, columns: columns, type: type, layout: layout, memory: memory)
    outputs.append(output)
    return output
  }

  func out(_ name: String) -> UnsafeMutablePointer<Double>? {
    output(name, rows, 1, .float64, .rows)?.memory.baseAddress!.assumingMemoryBound(to: Double.self)
  }

  func findings(_ name: String) -> UnsafeMutablePointer<Int32>? {
    output(name, rows, 1, .int32, .rows)?.memory.baseAddress!.assumingMemoryBound(to: Int32.self)
  }

  func longs(_ name: String) -> UnsafeMutablePointer<Int64>? {
    output(name, rows, 1, .int64, .rows)?.memory.baseAddress!.assumingMemoryBound(to: Int64.self)
  }

  func softmaxOptions() -> UnsafePointer<nepit_softmax_options>? {
    record(["label_smoothing", "ignore_index", "z_loss", "softcap", "temperature", "reduction"]) {
      nepit_softmax_options(
        size: MemoryLayout<nepit_softmax_options>.size, label_smoothing: $0.number("label_smoothing"),
        ignore_index: Int64($0.number("ignore_index")), z_loss: $0.number("z_loss"), softcap: $0.number("softcap"),
        temperature: $0.number("temperature"), reduction: nepit_reduction($0.number("reduction")))
    }
  }

  func distillationOptions() -> UnsafePointer<nepit_distillation_options>? {
    record(["beta", "temperature", "divergence", "temperature_squared", "reduction"]) {
      nepit_distillation_options(
        size: MemoryLayout<nepit_distillation_options>.size, beta: $0.number("beta"),
        temperature: $0.number("temperature"), divergence: nepit_divergence($0.number("divergence")),
        temperature_squared: Int32($0.number("temperature_squared")),
        reduction: nepit_reduction($0.number("reduction")))
    }
  }

  /// A record of options, NULL where none of its fields is given.
  private func record<Record>(_ fields: Set<String>, _ make: (Call) -> Record) -> UnsafePointer<Record>? {
    asked.formUnion(fields)
    guard fields.contains(where: { numbers[$0] != nil }) else { return nil }
    let memory = allocate(MemoryLayout<Record>.size, filledWith: 0)
    memory.storeBytes(of: make(self), as: Record.self)
    return UnsafePointer(memory.baseAddress!.assumingMemoryBound(to: Record.self))
  }

  func gaussianOptions() -> UnsafePointer<nepit_gaussian_options>? {
    record(["free_bits", "reduction"]) {
      nepit_gaussian_options(
        size: MemoryLayout<nepit_gaussian_options>.size, free_bits: number("free_bits"),
        reduction: nepit_reduction(number("reduction")))
    }
  }

  func labelOptions() -> UnsafePointer<nepit_nll_options>? {
    record(["ignore_index", "reduction"]) {
      nepit_nll_options(
        size: MemoryLayout<nepit_nll_options>.size, ignore_index: Int64(number("ignore_index")),
        reduction: nepit_reduction(number("reduction")))
    }
  }

  func gaussianLikelihoodOptions() -> UnsafePointer<nepit_gaussian_nll_options>? {
    record(["eps", "full", "log_variance", "reduction"]) {
      nepit_gaussian_nll_options(
        size: MemoryLayout<nepit_gaussian_nll_options>.size, eps: number("eps"), full: Int32(number("full")),
        log_variance: Int32(number("log_variance")), reduction: nepit_reduction(number("reduction")))
    }
  }

  func poissonLikelihoodOptions() -> UnsafePointer<nepit_poisson_nll_options>? {
    record(["eps", "full", "log_input", "reduction"]) {
      nepit_poisson_nll_options(
        size: MemoryLayout<nepit_poisson_nll_options>.size, eps: number("eps"), full: Int32(number("full")),
        log_input: Int32(number("log_input")), reduction: nepit_reduction(number("reduction")))
    }
  }

  /// A record with all of its fields, NULL where the first is not given.
  private func record<Record>(_ fields: [String], _ make: () -> Record) -> UnsafePointer<Record>? {
    asked.formUnion(fields)
    guard numbers[fields[0]] != nil else { return nil }
    let memory = allocate(MemoryLayout<Record>.size, filledWith: 0)
    memory.storeBytes(of: make(), as: Record.self)
    return UnsafePointer(memory.baseAddress!.assumingMemoryBound(to: Record.self))
  }

  func matrix(_ name: String) -> nepit_mutable_array {
    let columns = inputs.filter { $0.key != "mixing" }.map(\.value.columns).max() ?? 0
    guard let output = output(name, rows, columns, outputType, layout) else { return nepit_no_array() }
    let place = layout.place(output.rows, output.columns)
    return nepit_mutable_array(
      data: output.memory.baseAddress! + place.first * output.type.byteCount, rows: output.rows, cols: output.columns,
      row_stride: place.row, col_stride: place.column, dtype: output.type.rawValue)
  }

  /// An output's elements, row by row.
  func values(_ output: Output) -> [Double] {
    let place = output.layout.place(output.rows, output.columns), size = output.type.byteCount
    if output.layout == .rows, output.type == .float64 {
      return Array(output.memory.bindMemory(to: Double.self).prefix(output.rows * output.columns))
    }
    var values: [Double] = []
    values.reserveCapacity(output.rows * output.columns)
    for row in 0..<output.rows {
      for column in 0..<output.columns {
        let index = place.first + row * place.row + column * place.column
        let element = UnsafeRawPointer(output.memory.baseAddress! + index * size)
        switch output.type {
        case .int32: values.append(Double(element.loadUnaligned(as: Int32.self)))
        case .int64: values.append(Double(element.loadUnaligned(as: Int64.self)))
        default: values.append(output.type.decode(element))
        }
      }
    }
    return values
  }

  /// All outputs' elements, in the order of the parameters.
  var allValues: [Double] { outputs.flatMap(values) }

  /// Whether no byte but the outputs' elements was written.
  var isTidy: Bool {
    for output in outputs {
      let place = output.layout.place(output.rows, output.columns), size = output.type.byteCount
      if output.layout == .rows {
        let rest = output.memory[(output.rows * output.columns * size)...]
        if rest.contains(where: { $0 != Call.untouched }) { return false }
        continue
      }
      var bytes = Array(output.memory)
      for row in 0..<output.rows {
        for column in 0..<output.columns {
          let start = (place.first + row * place.row + column * place.column) * size
          for index in start..<start + size { bytes[index] = Call.untouched }
        }
      }
      if bytes.contains(where: { $0 != Call.untouched }) { return false }
    }
    return true
  }

  /// Whether no output was written at all.
  var isUntouched: Bool { outputs.allSatisfy { $0.memory.allSatisfy { $0 == Call.untouched } } }
}

/// Of a result: every NaN is one.
func canonicalBits(_ value: Double) -> UInt64 { value.isNaN ? 0x7ff8_0000_0000_0000 : value.bitPattern }

func haveSameBits(_ a: [Double], _ b: [Double]) -> Bool {
  a.count == b.count && zip(a, b).allSatisfy { canonicalBits($0) == canonicalBits($1) }
}

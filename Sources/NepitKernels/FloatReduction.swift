// The two hottest sums over floats, in float lanes: 16 terms at a time, each
// good to a few units of float's last place, added in double.

import CSystem

/// What an entropy adds up over outcomes given as floats: its first sum is p, its last the logarithms' terms.
protocol FloatReduction: Reduction {
  func floatTerms(_ p: FloatLanes, _ q: FloatLanes) -> FloatLanes
}

extension EntropyTerms: FloatReduction {
  @inline(__always)
  func floatTerms(_ p: FloatLanes, _ q: FloatLanes) -> FloatLanes { p * quickLog(p) }
}

extension CrossEntropyTerms: FloatReduction {
  @inline(__always)
  func floatTerms(_ p: FloatLanes, _ q: FloatLanes) -> FloatLanes {
    // A denormal is brought into range, 2^24 times what it was.
    let isTiny = q .< 0x1p-126
    let logarithm =
      quickLog(q.replacing(with: q * 0x1p24, where: isTiny))
      - FloatLanes.zero.replacing(with: 0x1.0a2b24p+4, where: isTiny)
    return (p * logarithm).replacing(with: -Float.infinity, where: (q .== 0) .& (p .!= 0))
  }
}

@inline(__always)
private func greatest(_ best: FloatLanes, _ x: FloatLanes) -> FloatLanes { best.replacing(with: x, where: x .> best) }

/// As `feed`: blocks of 64 elements, two pairs of vectors, a pair added in float.
@inline(__always)
func feedFloats<R: FloatReduction>(
  _ state: inout Accumulator<R>, _ reduction: R, _ p: UnsafeRawPointer, _ q: UnsafeRawPointer, _ count: Int
) {
  var p = p, q = q, left = count
  var topP = FloatLanes.zero, topQ = FloatLanes.zero
  var signsP = FloatBits.zero, signsQ = FloatBits.zero
  // Where a pair is not full it is copied before zeros, which add nothing.
  var endP = (FloatLanes.zero, FloatLanes.zero), endQ = (FloatLanes.zero, FloatLanes.zero)
  withUnsafeMutableBytes(of: &endP) { endP in
    withUnsafeMutableBytes(of: &endQ) { endQ in
      while left > 0 {
        var a = Eight.zero, b = Eight.zero, c = Eight.zero
        let rest = max(0, left &- 64)
        while left > rest {
          if left < 32 {
            p = copied(p, left &* 4, endP.baseAddress!)
            if R.isPaired { q = copied(q, left &* 4, endQ.baseAddress!) }
          }
          let (p0, p1) = pair(p)
          let (q0, q1) = R.isPaired ? pair(q) : (p0, p1)
          a += lanes_fold_f32(p0 + p1)
          let terms = lanes_fold_f32(reduction.floatTerms(p0, q0) + reduction.floatTerms(p1, q1))
          topP = greatest(greatest(topP, p0), p1)
          signsP |= unsafeBitCast(p0, to: FloatBits.self) | unsafeBitCast(p1, to: FloatBits.self)
          if R.isPaired {
            b += lanes_fold_f32(q0 + q1)
            c += terms
            topQ = greatest(greatest(topQ, q0), q1)
            signsQ |= unsafeBitCast(q0, to: FloatBits.self) | unsafeBitCast(q1, to: FloatBits.self)
          } else {
            b += terms
          }
          p += 128
          q += 128
          left &-= 32
        }
        state.add(a, b, c, .zero)
      }
    }
  }
  state.greatestP[0] = max(state.greatestP[0], Double(greatest(topP)))
  state.signsP[0] |= sign(signsP)
  if R.isPaired {
    state.greatestQ[0] = max(state.greatestQ[0], Double(greatest(topQ)))
    state.signsQ[0] |= sign(signsQ)
  }
}

@inline(__always)
private func pair(_ data: UnsafeRawPointer) -> (FloatLanes, FloatLanes) {
  let data = data.assumingMemoryBound(to: Float.self)
  return (lanes_load_f32(data), lanes_load_f32(data + 16))
}

@inline(__always)
private func greatest(_ x: FloatLanes) -> Float {
  let half = greater(x.lowHalf, x.highHalf), quarter = greater(half.lowHalf, half.highHalf)
  let pair = greater(quarter.lowHalf, quarter.highHalf)
  return pair[0] > pair[1] ? pair[0] : pair[1]
}

@inline(__always)
private func greater<V: SIMD>(_ x: V, _ y: V) -> V where V.Scalar == Float { x.replacing(with: y, where: y .> x) }

/// Negative if a lane is.
@inline(__always)
private func sign(_ x: FloatBits) -> Int64 {
  let half = x.lowHalf | x.highHalf, quarter = half.lowHalf | half.highHalf
  let pair = quarter.lowHalf | quarter.highHalf
  return Int64(pair[0] | pair[1])
}

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

/// 16 floats as 8 sums in double.
@inline(__always)
private func folded(_ x: FloatLanes) -> Lanes { lanes_widen_low(x) + lanes_widen_high(x) }

@inline(__always)
private func greatest(_ best: FloatLanes, _ x: FloatLanes) -> FloatLanes { best.replacing(with: x, where: x .> best) }

/// The sign bits of 16 floats as those of 8 doubles.
@inline(__always)
private func foldedSigns(_ x: FloatBits) -> LaneBits {
  let pairs = unsafeBitCast(x, to: LaneBits.self)
  return pairs | (pairs &<< LaneBits(repeating: 32))
}

/// As `feed`: blocks of 64 elements, two pairs of vectors, a pair added in float.
@inline(__always)
func feedFloats<R: FloatReduction>(
  _ state: inout Accumulator<R>, _ reduction: R, _ p: UnsafeRawPointer, _ q: UnsafeRawPointer, _ count: Int
) {
  var p = p.assumingMemoryBound(to: Float.self), q = q.assumingMemoryBound(to: Float.self), left = count
  var topP = FloatLanes.zero, topQ = FloatLanes.zero
  var signsP = FloatBits.zero, signsQ = FloatBits.zero
  // Where a pair is not full it is copied before zeros, which add nothing.
  var endP = (FloatLanes.zero, FloatLanes.zero), endQ = (FloatLanes.zero, FloatLanes.zero)
  withUnsafeMutableBytes(of: &endP) { endP in
    withUnsafeMutableBytes(of: &endQ) { endQ in
      while left > 0 {
        var sum = Terms()
        let rest = max(0, left &- 64)
        while left > rest {
          if left < 32 {
            p = copied(p, left &* 4, endP.baseAddress!).assumingMemoryBound(to: Float.self)
            if R.isPaired { q = copied(q, left &* 4, endQ.baseAddress!).assumingMemoryBound(to: Float.self) }
          }
          let p0 = lanes_load_f32(p), p1 = lanes_load_f32(p + 16)
          let q0 = R.isPaired ? lanes_load_f32(q) : p0, q1 = R.isPaired ? lanes_load_f32(q + 16) : p1
          sum.a += folded(p0 + p1)
          let terms = folded(reduction.floatTerms(p0, q0) + reduction.floatTerms(p1, q1))
          topP = greatest(greatest(topP, p0), p1)
          signsP |= unsafeBitCast(p0, to: FloatBits.self) | unsafeBitCast(p1, to: FloatBits.self)
          if R.isPaired {
            sum.b += folded(q0 + q1)
            sum.c += terms
            topQ = greatest(greatest(topQ, q0), q1)
            signsQ |= unsafeBitCast(q0, to: FloatBits.self) | unsafeBitCast(q1, to: FloatBits.self)
          } else {
            sum.b += terms
          }
          p += 32
          q += 32
          left &-= 32
        }
        state.add(sum)
      }
    }
  }
  state.greatestP = greater(greater(state.greatestP, lanes_widen_low(topP)), lanes_widen_high(topP))
  state.signsP |= foldedSigns(signsP)
  if R.isPaired {
    state.greatestQ = greater(greater(state.greatestQ, lanes_widen_low(topQ)), lanes_widen_high(topQ))
    state.signsQ |= foldedSigns(signsQ)
  }
}

/**
 * Whether memory grows: a line by least squares through samples of resident memory, with the
 * uncertainty of its slope. Samples that follow each other are alike, so they count for fewer than
 * they are: by their residuals' correlation ρ from one to the next, n(1 − ρ)/(1 + ρ) of them.
 */
export interface Sample {
  atS: number;
  bytes: number;
}

export interface Slope {
  bytesPerS: number;
  /** Standard error of the slope. */
  errorPerS: number;
  meanBytes: number;
  samples: number;
}

export function slopeOf(samples: readonly Sample[]): Slope {
  const n = samples.length;
  const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / n;
  const atMean = mean(samples.map(({ atS }) => atS));
  const bytesMean = mean(samples.map(({ bytes }) => bytes));
  let xx = 0;
  let xy = 0;
  for (const { atS, bytes } of samples) {
    xx += (atS - atMean) ** 2;
    xy += (atS - atMean) * (bytes - bytesMean);
  }
  const bytesPerS = xy / xx;
  const residuals = samples.map(({ atS, bytes }) => bytes - bytesMean - bytesPerS * (atS - atMean));
  const square = residuals.reduce((sum, value) => sum + value ** 2, 0);
  const lagged = residuals.slice(1).reduce((sum, value, i) => sum + value * residuals[i]!, 0);
  const rho = square === 0 ? 0 : Math.min(0.95, Math.max(0, lagged / square));
  const effective = Math.max(3, (n * (1 - rho)) / (1 + rho));
  const errorPerS = Math.sqrt(square / (effective - 2) / xx);
  return { bytesPerS, errorPerS, meanBytes: bytesMean, samples: n };
}

/** Growth in an hour as a share of the mean, and the least that it is with near certainty. */
export function growthPerHour({ bytesPerS, errorPerS, meanBytes }: Slope) {
  const share = (perS: number): number => (perS * 3600) / meanBytes;
  return { share: share(bytesPerS), least: share(bytesPerS - 3 * errorPerS) };
}

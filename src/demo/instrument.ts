/** The instruments of the synthetic market. The names are invented; any likeness is chance. */
export interface DemoInstrument {
  symbol: string;
  /** Where its price starts and what it comes back to, in ticks of 0.01. */
  anchorTicks: number;
  /** Standard deviation of the price over one second, in ticks. */
  volatilityTicks: number;
  /** Share of the market's activity, relative to the others. */
  activity: number;
}

export const demoInstruments: readonly DemoInstrument[] = [
  { symbol: "ORBT", anchorTicks: 18_950, volatilityTicks: 4, activity: 3 },
  { symbol: "QNTA", anchorTicks: 41_275, volatilityTicks: 6, activity: 3 },
  { symbol: "VLTX", anchorTicks: 24_610, volatilityTicks: 7, activity: 4 },
  { symbol: "MERA", anchorTicks: 9_840, volatilityTicks: 2, activity: 2 },
  { symbol: "NIMB", anchorTicks: 12_305, volatilityTicks: 3, activity: 2 },
  { symbol: "KSTR", anchorTicks: 5_520, volatilityTicks: 1.5, activity: 1 },
  { symbol: "HLIO", anchorTicks: 33_080, volatilityTicks: 5, activity: 2 },
  { symbol: "TERN", anchorTicks: 7_215, volatilityTicks: 1.5, activity: 1 },
  { symbol: "PLUM", anchorTicks: 2_890, volatilityTicks: 1, activity: 1 },
  { symbol: "GRYF", anchorTicks: 15_760, volatilityTicks: 4, activity: 1.5 },
  { symbol: "SOLA", anchorTicks: 21_430, volatilityTicks: 5, activity: 1.5 },
  { symbol: "ZEPH", anchorTicks: 1_195, volatilityTicks: 0.7, activity: 0.7 },
];

import type { Collector } from './event-collector.mjs';

export function playScenario(settings: {
  url: string;
  ws: string;
  address: string;
  feedPort: number;
  heard: Collector['heard'];
}): Promise<void>;

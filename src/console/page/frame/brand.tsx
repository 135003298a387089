/** The name, and the way to the start. */
import { Link } from 'wouter';

export function Brand() {
  return (
    <Link href="/" className="brand">
      <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
        <rect width="32" height="32" rx="7" fill="#1d56c9" />
        <path
          d="M9 24V11a7 7 0 0 1 14 0v13M9 24h14M16 24v-8"
          fill="none"
          stroke="#fff"
          strokeWidth="2.6"
          strokeLinecap="round"
          strokeLinejoin="round"
        />
      </svg>
      scopegate
    </Link>
  );
}

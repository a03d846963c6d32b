/**
 * Keeps a failure inside the part of the window where it happened. Used around each pane and around the whole
 * app; what is shown instead is the caller's, usually an EmptyState with a way back.
 * Invariant: a change of `resetKey` (another room, say) tries again.
 */
import { Component } from "react";
import type { ErrorInfo, ReactNode } from "react";

export type ErrorBoundaryProps = {
  /** Draws what stands in place of the failed part. */
  renderFallback: (retry: () => void) => ReactNode;
  resetKey?: string | undefined;
  onError?: (error: unknown, componentStack: string) => void;
  children: ReactNode;
};

type ErrorBoundaryState = { hasFailed: boolean; resetKey: string | undefined };

/** Shows what `renderFallback` draws once a child has thrown. */
export class ErrorBoundary extends Component<ErrorBoundaryProps, ErrorBoundaryState> {
  override state: ErrorBoundaryState = { hasFailed: false, resetKey: this.props.resetKey };

  static getDerivedStateFromError(): Partial<ErrorBoundaryState> {
    return { hasFailed: true };
  }

  static getDerivedStateFromProps(
    props: ErrorBoundaryProps,
    state: ErrorBoundaryState,
  ): Partial<ErrorBoundaryState> | null {
    return props.resetKey === state.resetKey ? null : { hasFailed: false, resetKey: props.resetKey };
  }

  override componentDidCatch(error: unknown, info: ErrorInfo): void {
    this.props.onError?.(error, info.componentStack ?? "");
  }

  override render(): ReactNode {
    if (this.state.hasFailed) return this.props.renderFallback(() => this.setState({ hasFailed: false }));
    return this.props.children;
  }
}

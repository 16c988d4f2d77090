#include "signaling/metered_stream.h"

namespace callbot::signaling {
namespace {

// GObject's C side of three small classes: input, output, and the stream that holds both.

struct MeteredInput {
  GFilterInputStream parent;
  std::shared_ptr<Meter>* meter;
  int64_t turn_us;  // the turn of the loop that `used` belongs to
  uint64_t used;
};
struct MeteredInputClass {
  GFilterInputStreamClass parent;
};
struct MeteredOutput {
  GFilterOutputStream parent;
  std::shared_ptr<Meter>* meter;
  bool within_frame;  // the last write was no whole frame
  bool control;       // the frame at hand is a ping, pong or goodbye (RFC 6455, 5.2)
};
struct MeteredOutputClass {
  GFilterOutputStreamClass parent;
};
struct MeteredStream {
  GIOStream parent;
  GIOStream* inner;
  GInputStream* input;
  GOutputStream* output;
};
struct MeteredStreamClass {
  GIOStreamClass parent;
};

GType metered_input_get_type();
GType metered_output_get_type();
GType metered_stream_get_type();
void metered_input_pollable_init(GPollableInputStreamInterface* iface);
void metered_output_pollable_init(GPollableOutputStreamInterface* iface);

G_DEFINE_TYPE_WITH_CODE(MeteredInput, metered_input, G_TYPE_FILTER_INPUT_STREAM,
                        G_IMPLEMENT_INTERFACE(G_TYPE_POLLABLE_INPUT_STREAM,
                                              metered_input_pollable_init))
G_DEFINE_TYPE_WITH_CODE(MeteredOutput, metered_output, G_TYPE_FILTER_OUTPUT_STREAM,
                        G_IMPLEMENT_INTERFACE(G_TYPE_POLLABLE_OUTPUT_STREAM,
                                              metered_output_pollable_init))
G_DEFINE_TYPE(MeteredStream, metered_stream, G_TYPE_IO_STREAM)

MeteredInput* as_input(gpointer p) { return static_cast<MeteredInput*>(p); }
MeteredOutput* as_output(gpointer p) { return static_cast<MeteredOutput*>(p); }
MeteredStream* as_stream(gpointer p) { return static_cast<MeteredStream*>(p); }
GPollableInputStream* inside(GPollableInputStream* s) {
  return G_POLLABLE_INPUT_STREAM(
      g_filter_input_stream_get_base_stream(reinterpret_cast<GFilterInputStream*>(s)));
}
GPollableOutputStream* inside(GPollableOutputStream* s) {
  return G_POLLABLE_OUTPUT_STREAM(
      g_filter_output_stream_get_base_stream(reinterpret_cast<GFilterOutputStream*>(s)));
}

// --- input

gboolean input_can_poll(GPollableInputStream* s) {
  return g_pollable_input_stream_can_poll(inside(s));
}
gboolean input_is_readable(GPollableInputStream* s) {
  return g_pollable_input_stream_is_readable(inside(s));
}
GSource* input_create_source(GPollableInputStream* s, GCancellable* cancellable) {
  GSource* base = g_pollable_input_stream_create_source(inside(s), cancellable);
  GSource* source = g_pollable_source_new_full(s, base, nullptr);
  g_source_unref(base);
  return source;
}

bool portion_used_up(MeteredInput* self) {
  GSource* running = g_main_current_source();
  const int64_t turn = running != nullptr ? g_source_get_time(running) : g_get_monotonic_time();
  if (turn != self->turn_us) {
    self->turn_us = turn;
    self->used = 0;
  }
  return self->used >= (*self->meter)->portion;
}

gssize input_read(GPollableInputStream* s, void* buffer, gsize count, GError** error) {
  auto* self = as_input(s);
  if ((*self->meter)->ended) return 0;
  if (portion_used_up(self)) {
    g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK, "the next turn");
    return -1;
  }
  const gssize n =
      g_pollable_input_stream_read_nonblocking(inside(s), buffer, count, nullptr, error);
  if (n > 0) {
    const auto meter = *self->meter;
    self->used += static_cast<uint64_t>(n);
    meter->read += static_cast<uint64_t>(n);
    if (meter->on_read) meter->on_read();
    if (meter->discard) {
      g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK, "discarded");
      return -1;
    }
  }
  return n;
}

void input_finalize(GObject* object) {
  delete as_input(object)->meter;
  G_OBJECT_CLASS(metered_input_parent_class)->finalize(object);
}

void metered_input_init(MeteredInput* self) { self->meter = new std::shared_ptr<Meter>; }
void metered_input_class_init(MeteredInputClass* c) {
  G_OBJECT_CLASS(c)->finalize = input_finalize;
}
void metered_input_pollable_init(GPollableInputStreamInterface* iface) {
  iface->can_poll = input_can_poll;
  iface->is_readable = input_is_readable;
  iface->create_source = input_create_source;
  iface->read_nonblocking = input_read;
}

// --- output

gboolean output_can_poll(GPollableOutputStream* s) {
  return g_pollable_output_stream_can_poll(inside(s));
}
gboolean output_is_writable(GPollableOutputStream* s) {
  return g_pollable_output_stream_is_writable(inside(s));
}
// libsoup asks for a source exactly while it has something queued.
GSource* output_create_source(GPollableOutputStream* s, GCancellable* cancellable) {
  const auto meter = *as_output(s)->meter;
  if (meter->waiting_since_us == 0) meter->waiting_since_us = g_get_monotonic_time();
  GSource* base = g_pollable_output_stream_create_source(inside(s), cancellable);
  GSource* source = g_pollable_source_new_full(s, base, nullptr);
  g_source_unref(base);
  return source;
}

gssize output_write(GPollableOutputStream* s, const void* buffer, gsize count, GError** error) {
  const auto meter = *as_output(s)->meter;
  const gssize n =
      g_pollable_output_stream_write_nonblocking(inside(s), buffer, count, nullptr, error);
  if (n <= 0) return n;
  // libsoup writes one frame at a time, and what is left of it until it is whole.
  auto* self = as_output(s);
  if (!self->within_frame) self->control = (*static_cast<const uint8_t*>(buffer) & 0x08) != 0;
  self->within_frame = static_cast<gsize>(n) < count;
  if (!self->control) meter->written += static_cast<uint64_t>(n);
  if (!self->within_frame) meter->waiting_since_us = 0;  // if there are more, a source follows
  return n;
}

void output_finalize(GObject* object) {
  delete as_output(object)->meter;
  G_OBJECT_CLASS(metered_output_parent_class)->finalize(object);
}

void metered_output_init(MeteredOutput* self) { self->meter = new std::shared_ptr<Meter>; }
void metered_output_class_init(MeteredOutputClass* c) {
  G_OBJECT_CLASS(c)->finalize = output_finalize;
}
void metered_output_pollable_init(GPollableOutputStreamInterface* iface) {
  iface->can_poll = output_can_poll;
  iface->is_writable = output_is_writable;
  iface->create_source = output_create_source;
  iface->write_nonblocking = output_write;
}

// --- both

GInputStream* stream_input(GIOStream* s) { return as_stream(s)->input; }
GOutputStream* stream_output(GIOStream* s) { return as_stream(s)->output; }
gboolean stream_close(GIOStream* s, GCancellable* cancellable, GError** error) {
  return g_io_stream_close(as_stream(s)->inner, cancellable, error);
}

void on_inner_closed(GObject* inner, GAsyncResult* result, gpointer task) {
  auto owned = GRef<GTask>::adopt(static_cast<GTask*>(task));
  GError* error = nullptr;
  if (g_io_stream_close_finish(G_IO_STREAM(inner), result, &error))
    g_task_return_boolean(owned.get(), TRUE);
  else
    g_task_return_error(owned.get(), error);
}
void stream_close_async(GIOStream* s, int priority, GCancellable* cancellable,
                        GAsyncReadyCallback callback, gpointer data) {
  GTask* task = g_task_new(s, cancellable, callback, data);
  g_io_stream_close_async(as_stream(s)->inner, priority, cancellable, on_inner_closed, task);
}
gboolean stream_close_finish(GIOStream*, GAsyncResult* result, GError** error) {
  return g_task_propagate_boolean(G_TASK(result), error);
}

void stream_finalize(GObject* object) {
  auto* self = as_stream(object);
  GRef<GInputStream>::adopt(self->input);
  GRef<GOutputStream>::adopt(self->output);
  GRef<GIOStream>::adopt(self->inner);
  G_OBJECT_CLASS(metered_stream_parent_class)->finalize(object);
}

void metered_stream_init(MeteredStream*) {}
void metered_stream_class_init(MeteredStreamClass* c) {
  G_OBJECT_CLASS(c)->finalize = stream_finalize;
  auto* io = G_IO_STREAM_CLASS(c);
  io->get_input_stream = stream_input;
  io->get_output_stream = stream_output;
  io->close_fn = stream_close;
  io->close_async = stream_close_async;
  io->close_finish = stream_close_finish;
}

}  // namespace

GRef<GIOStream> metered(GIOStream* inner, std::shared_ptr<Meter> meter) {
  auto* self = as_stream(g_object_new(metered_stream_get_type(), nullptr));
  self->inner = GRef<GIOStream>::share(inner).release();
  self->input = G_INPUT_STREAM(g_object_new(metered_input_get_type(), "base-stream",
                                            g_io_stream_get_input_stream(inner),
                                            "close-base-stream", FALSE, nullptr));
  *as_input(self->input)->meter = meter;
  self->output = G_OUTPUT_STREAM(g_object_new(metered_output_get_type(), "base-stream",
                                              g_io_stream_get_output_stream(inner),
                                              "close-base-stream", FALSE, nullptr));
  *as_output(self->output)->meter = std::move(meter);
  return GRef<GIOStream>::adopt(G_IO_STREAM(self));
}

}  // namespace callbot::signaling

#include "base/signal.h"

#include <memory>

namespace callbot {
namespace {

struct PostingClosure {
  GClosure closure;  // first: GLib allocates and casts
  Loop* loop;
  std::shared_ptr<SignalHandler> handler;
};

// NOLINTNEXTLINE(readability-function-size): GLib says what a marshaller takes
void marshal(GClosure* closure, GValue*, guint count, const GValue* values, gpointer, gpointer) {
  auto* self = reinterpret_cast<PostingClosure*>(closure);
  auto args = std::make_shared<SignalArgs>(values, count);
  self->loop->post([args, handler = self->handler] { (*handler)(*args); });
}

void finalize(gpointer, GClosure* closure) {
  std::destroy_at(&reinterpret_cast<PostingClosure*>(closure)->handler);
}

}  // namespace

SignalArgs::SignalArgs(const GValue* values, guint count) : values_(count) {
  for (guint i = 0; i < count; ++i) {
    values_[i] = G_VALUE_INIT;
    g_value_init(&values_[i], G_VALUE_TYPE(&values[i]));
    g_value_copy(&values[i], &values_[i]);
  }
}

SignalArgs::~SignalArgs() {
  for (GValue& value : values_) g_value_unset(&value);
}

std::string SignalArgs::text_at(size_t i) const {
  const char* text = g_value_get_string(&values_[i]);
  return text != nullptr ? text : "";
}

gulong on_signal(gpointer object, const char* name, Loop& loop, SignalHandler handler) {
  GClosure* closure = g_closure_new_simple(sizeof(PostingClosure), nullptr);
  auto* self = reinterpret_cast<PostingClosure*>(closure);
  self->loop = &loop;
  std::construct_at(&self->handler, std::make_shared<SignalHandler>(std::move(handler)));
  g_closure_add_finalize_notifier(closure, nullptr, finalize);
  g_closure_set_marshal(closure, marshal);
  return g_signal_connect_closure(object, name, closure, FALSE);
}

}  // namespace callbot

// What of libsecret and GIO Swift cannot call by itself: functions of variable arguments, and constants made of casts.
#pragma once

// Encoding a secret for its session, which is all that is used of it.
#define SECRET_API_SUBJECT_TO_CHANGE

#include <gio/gio.h>
#include <libsecret/secret.h>

#include "prompt.h"

// A connection of our own to the session bus. The shared one of g_bus_get() ends the process when the bus goes away, and
// stays closed once it was closed.
static inline GDBusConnection *dw_connect(GCancellable *cancellable, GError **error) {
    gchar *address = g_dbus_address_get_for_bus_sync(G_BUS_TYPE_SESSION, cancellable, error);
    if (address == NULL) return NULL;
    GDBusConnection *connection = g_dbus_connection_new_for_address_sync(
        address, G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION, NULL,
        cancellable, error);
    g_free(address);
    return connection;
}

static inline void dw_disconnect(GDBusConnection *connection) {
    g_dbus_connection_close_sync(connection, NULL, NULL);
    g_object_unref(connection);
}

// libsecret's class takes the shared connection whatever it is given; this one takes the connection that it is given.
static inline GObject *dw_service_construct(GType type, guint count, GObjectConstructParam *properties) {
    GObjectClass *parent = (GObjectClass *)g_type_class_peek(SECRET_TYPE_SERVICE);
    GObject *object = parent->constructor(type, count, properties);
    g_object_set(object, "g-bus-type", G_BUS_TYPE_NONE, NULL);
    return object;
}

static inline void dw_service_prepare_class(gpointer klass, gpointer unused) {
    (void)unused;
    ((GObjectClass *)klass)->constructor = dw_service_construct;
}

static inline GType dw_service_type(void) {
    static gsize type = 0;
    if (g_once_init_enter(&type)) {
        GTypeInfo info = {0};
        info.class_size = sizeof(SecretServiceClass);
        info.class_init = dw_service_prepare_class;
        info.instance_size = sizeof(SecretService);
        g_once_init_leave(&type, g_type_register_static(SECRET_TYPE_SERVICE, "DoorwardSecretService", &info, 0));
    }
    return type;
}

// secret_service_open_sync(), on that connection; what its signals start runs when `context` is looked after.
static inline SecretService *dw_open(
    GDBusConnection *connection, GMainContext *context, GCancellable *cancellable, GError **error) {
    g_main_context_push_thread_default(context);
    gpointer service = g_initable_new(
        dw_service_type(), cancellable, error, "g-connection", connection, "flags", SECRET_SERVICE_OPEN_SESSION, NULL);
    g_main_context_pop_thread_default(context);
    return (SecretService *)service;
}

// Calls a method and waits; an answer of another type than `reply` is an error.
static inline GVariant *dw_call(
    GDBusConnection *connection, const char *destination, const char *path, const char *interface, const char *method,
    GVariant *arguments, const char *reply, int milliseconds, GCancellable *cancellable, GError **error) {
    return g_dbus_connection_call_sync(
        connection, destination, path, interface, method, arguments, G_VARIANT_TYPE(reply), G_DBUS_CALL_FLAGS_NONE,
        milliseconds, cancellable, error);
}

static inline gboolean dw_is_locked_error(const GError *error) {
    if (error->domain == SECRET_ERROR && error->code == SECRET_ERROR_IS_LOCKED) return TRUE;
    gchar *name = g_dbus_error_get_remote_error(error);
    gboolean is_locked = g_strcmp0(name, "org.freedesktop.Secret.Error.IsLocked") == 0;
    g_free(name);
    return is_locked;
}

// What the keyring was asked for by its path is gone: a session, or an item. KWallet has names of its own for that.
static inline gboolean dw_is_lost_error(const GError *error) {
    gchar *name = g_dbus_error_get_remote_error(error);
    gboolean is_lost = g_strcmp0(name, "org.freedesktop.Secret.Error.NoSession") == 0 ||
                       g_strcmp0(name, "org.freedesktop.Secret.Error.NoSuchObject") == 0 ||
                       g_strcmp0(name, "org.freedesktop.DBus.Error.UnknownObject") == 0 ||
                       g_strcmp0(name, "org.qtproject.QtDBus.Error.InvalidObjectPath") == 0;
    g_free(name);
    return is_lost;
}

static inline gboolean dw_is_cancelled(const GError *error) {
    return g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static inline gboolean dw_is_timeout(const GError *error) {
    return g_error_matches(error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT) ||
           g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY) ||
           g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_TIMEOUT);
}

static inline gboolean dw_is_type(GVariant *value, const char *type) {
    return g_variant_is_of_type(value, G_VARIANT_TYPE(type));
}

static inline GVariant *dw_array(const char *element, GVariant *const *children, gsize count) {
    return g_variant_new_array(G_VARIANT_TYPE(element), children, count);
}

static inline void dw_unref(gpointer object) {
    if (object != NULL) g_object_unref(object);
}

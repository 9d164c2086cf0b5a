// What of libsecret and GIO Swift cannot call by itself: functions of variable arguments, and constants made of casts.
#pragma once

#include <gio/gio.h>
#include <libsecret/secret.h>

// Attributes are no secret: an opaque name, and which of several homes it belongs to.
static const SecretSchema dw_schema = {
    "dev.doorward.Secret",
    // A locked item is found only if the name of its schema is left out of the search (libsecret below 0.21).
    SECRET_SCHEMA_DONT_MATCH_NAME,
    {
        {"application", SECRET_SCHEMA_ATTRIBUTE_STRING},
        {"namespace", SECRET_SCHEMA_ATTRIBUTE_STRING},
        {"name", SECRET_SCHEMA_ATTRIBUTE_STRING},
        {NULL, 0},
    },
};

static inline const SecretSchema *dw_get_schema(void) { return &dw_schema; }

static inline GHashTable *dw_attributes(const char *space, const char *name) {
    GHashTable *table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_hash_table_insert(table, g_strdup("application"), g_strdup("doorward"));
    g_hash_table_insert(table, g_strdup("namespace"), g_strdup(space));
    g_hash_table_insert(table, g_strdup("name"), g_strdup(name));
    return table;
}

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

// secret_service_open_sync(), on that connection.
static inline SecretService *dw_open(GDBusConnection *connection, GCancellable *cancellable, GError **error) {
    gpointer service = g_initable_new(
        dw_service_type(), cancellable, error, "g-connection", connection, "flags", SECRET_SERVICE_OPEN_SESSION, NULL);
    return (SecretService *)service;
}

static inline gboolean dw_is_locked_error(const GError *error) {
    return error != NULL && error->domain == SECRET_ERROR && error->code == SECRET_ERROR_IS_LOCKED;
}

static inline gboolean dw_is_cancelled(const GError *error) {
    return error != NULL && error->domain == G_IO_ERROR && error->code == G_IO_ERROR_CANCELLED;
}

static inline void dw_unref(gpointer object) {
    if (object != NULL) g_object_unref(object);
}

static inline void dw_free_items(GList *items) { g_list_free_full(items, g_object_unref); }

static inline SecretItem *dw_item(const GList *entry) { return (SecretItem *)entry->data; }

static inline GList *dw_list(gpointer object) { return g_list_append(NULL, object); }

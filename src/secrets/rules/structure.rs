//! Rules for what only its surroundings make a secret: keys in PEM, passwords in URLs, files with credentials.

use super::super::{
    locate,
    rule::{Class, Find, Rule},
};

/// Those found by a literal, then those that a decoder or the class table reports.
pub(super) const RULES: &[&Rule] = &[
    &PRIVATE_KEY,
    &PRIVATE_KEY_BASE64,
    &PUTTY_KEY,
    &URL_USERINFO,
    &CONNECTION_STRING,
    &BASIC_AUTH,
    &KUBECONFIG,
    &GOOGLE_SERVICE_ACCOUNT,
    &DOCKER_CONFIG,
    &PRIVATE_JWK,
    &RANDOM,
    &DENSE,
];

pub(in super::super) static PRIVATE_KEY: Rule = Rule {
    id: "private-key",
    title: "private key",
    documentation: "https://www.rfc-editor.org/rfc/rfc7468#section-10",
    class: Class::PrivateKey,
    find: Find::Around { literals: &["-----BEGIN "], locate: locate::pem },
    example: "[[pem:[[|RSA |EC |OPENSSH |ENCRYPTED |DSA ]]PRIVATE KEY]]",
    lookalike: "[[pem:[[CERTIFICATE|PUBLIC KEY|RSA PUBLIC KEY|CERTIFICATE REQUEST]]]]",
};

static PRIVATE_KEY_BASE64: Rule = Rule {
    id: "private-key-base64",
    title: "private key in base64",
    documentation: "https://www.rfc-editor.org/rfc/rfc7468#section-10",
    class: Class::PrivateKey,
    find: Find::Around { literals: &["LS0tLS1CRUdJTi"], locate: locate::pem_in_base64 },
    example: "[[=pem:[[|RSA |EC ]]PRIVATE KEY]]",
    lookalike: "[[=pem:[[CERTIFICATE|PUBLIC KEY]]]]",
};

static PUTTY_KEY: Rule = Rule {
    id: "putty-key",
    title: "PuTTY private key",
    documentation: "https://tartarus.org/~simon/putty-snapshots/htmldoc/AppendixC.html",
    class: Class::PrivateKey,
    find: Find::Around { literals: &["PuTTY-User-Key-File-"], locate: locate::putty },
    example: "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nPublic-Lines: 1\n[[b64:64]]\nPrivate-Lines: 1\n[[b64:44]]\n",
    lookalike: "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nPublic-Lines: 1\n[[b64:64]]\n",
};

static URL_USERINFO: Rule = Rule {
    id: "url-userinfo",
    title: "password in a URL",
    documentation: "https://www.rfc-editor.org/rfc/rfc3986#section-3.2.1",
    class: Class::UrlCredential,
    find: Find::Around { literals: &["://"], locate: locate::userinfo },
    example: "[[postgres|mysql|redis|amqp|mongodb+srv|https]]://app:[[password]]@db.prod.internal:5432/app",
    lookalike: "[[postgres|mysql|redis|amqp|https]]://app@db.prod.internal:5432/app?sslmode=require",
};

static CONNECTION_STRING: Rule = Rule {
    id: "connection-string",
    title: "password in a connection string",
    documentation: "https://learn.microsoft.com/en-us/dotnet/framework/data/adonet/connection-strings",
    class: Class::UrlCredential,
    find: Find::Around {
        literals: &["assword=", "ASSWORD=", "Pwd=", "pwd=", "PWD=", "assword =", "Pwd ="],
        locate: locate::connection_string,
    },
    example: "[[Server=tcp:db.prod,1433;Database=app;User Id=app;[[Password|Pwd]]=[[password]];|jdbc:postgresql://db:5432/app?user=app&password=[[password]]|host=db dbname=app user=app password=[[password]]]]",
    lookalike: "Server=tcp:db.prod,1433;Database=app;Trusted_Connection=True;Password=$(DB_PASSWORD);",
};

pub(in super::super) static BASIC_AUTH: Rule = Rule {
    id: "basic-authorization",
    title: "password in an Authorization header",
    documentation: "https://www.rfc-editor.org/rfc/rfc7617",
    class: Class::UrlCredential,
    find: Find::Around { literals: &["Basic ", "basic "], locate: locate::basic_authorization },
    example: "Authorization: Basic [[=app:[[password]]]]",
    lookalike: "Authorization: Basic [[=only-a-user-name]]",
};

pub(in super::super) static KUBECONFIG: Rule = Rule {
    id: "kubeconfig",
    title: "kubeconfig with a credential",
    documentation: "https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/",
    class: Class::Structure,
    find: Find::Around { literals: &["client-key-data"], locate: locate::client_key },
    example: "apiVersion: v1\nkind: Config\nclusters:\n- name: c\ncurrent-context: c\nusers:\n- name: u\n  user:\n    [[client-key-data: [[=pem:RSA PRIVATE KEY]]|token: [[alnum:32]]]]\n",
    lookalike: "apiVersion: v1\nkind: Config\nclusters:\n- name: c\ncurrent-context: c\nusers:\n- name: u\n  user:\n    [[client-certificate-data: [[=pem:CERTIFICATE]]|tokenFile: /var/run/secrets/token]]\n",
};

pub(in super::super) static GOOGLE_SERVICE_ACCOUNT: Rule = Rule {
    id: "google-service-account",
    title: "Google service account key",
    documentation: "https://cloud.google.com/iam/docs/keys-create-delete",
    class: Class::Structure,
    find: Find::Elsewhere,
    example: "{\"type\": \"service_account\", \"project_id\": \"p\", \"private_key\": \"[[pem1:PRIVATE KEY]]\", \"client_email\": \"a@p.iam.gserviceaccount.com\"}",
    lookalike: "{\"type\": \"service_account\", \"project_id\": \"p\", \"client_email\": \"a@p.iam.gserviceaccount.com\"}",
};

pub(in super::super) static DOCKER_CONFIG: Rule = Rule {
    id: "docker-config",
    title: "registry password in a docker configuration",
    documentation: "https://docs.docker.com/reference/cli/docker/login/",
    class: Class::Structure,
    find: Find::Elsewhere,
    example: "{\"auths\": {\"ghcr.io\": {[[\"auth\": \"[[=robot:[[password]]]]\"|\"username\": \"robot\", \"password\": \"[[password]]\"]]}}}",
    lookalike: "{\"auths\": {\"ghcr.io\": {}}, \"credsStore\": \"ecr-login\"}",
};

pub(in super::super) static PRIVATE_JWK: Rule = Rule {
    id: "private-jwk",
    title: "private JSON Web Key",
    documentation: "https://www.rfc-editor.org/rfc/rfc7517",
    class: Class::PrivateKey,
    find: Find::Elsewhere,
    example: "{\"kty\": \"EC\", \"crv\": \"P-256\", \"x\": \"[[b64url:43]]\", \"y\": \"[[b64url:43]]\", \"d\": \"[[b64url:43]]\"}",
    lookalike: "{\"kty\": \"EC\", \"crv\": \"P-256\", \"x\": \"[[b64url:43]]\", \"y\": \"[[b64url:43]]\", \"use\": \"sig\"}",
};

pub(in super::super) static RANDOM: Rule = Rule {
    id: "random-value",
    title: "random value behind a secret's name",
    documentation: "https://owasp.org/www-community/vulnerabilities/Use_of_hard-coded_password",
    class: Class::Random,
    find: Find::Elsewhere,
    example: "API_KEY=[[[[alnum:32]]|[[hex:40]]]]",
    lookalike: "RELEASE=[[hex:40]]",
};

pub(in super::super) static DENSE: Rule = Rule {
    id: "dense-value",
    title: "password-like value behind a secret's name",
    documentation: "https://owasp.org/www-community/vulnerabilities/Use_of_hard-coded_password",
    class: Class::Dense,
    find: Find::Elsewhere,
    example: "DB_PASSWORD=[[password]]",
    lookalike: "DB_HOSTNAME=[[password]]",
};

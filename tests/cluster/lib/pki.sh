# Certificates and the kubeconfig. Made anew at each start, so nothing that worked for an old cluster works for this one.
# shellcheck shell=bash

make_pki() {
  mkdir -p "$PKI"
  (
    umask 077
    cd "$PKI" || exit
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.crt \
      -subj /CN=kubectl-kafka-test-ca -days 3650
    # Kubernetes signs service account tokens with RSA by default; the key has no certificate.
    openssl genrsa -out sa.key 2048
    sign apiserver /CN=kube-apiserver \
      "IP:$NODE_IP,IP:127.0.0.1,IP:${SERVICE_RANGE%.*}.1,DNS:localhost,DNS:kubernetes.default.svc,DNS:kubernetes.default"
    sign admin /O=system:masters/CN=admin DNS:admin
    sign kubelet "/O=system:nodes/CN=system:node:$NODE" "IP:$NODE_IP,DNS:$NODE"
  )
  make_kubeconfig
}

sign() { # name subject subjectAltName
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.csr" -subj "$2"
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 3650 -out "$1.crt" \
    -extfile <(printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth,clientAuth' "$3")
}

# For the tests and, for want of anything to protect, for the components too.
make_kubeconfig() {
  (
    umask 077
    cat >"$KUBECONFIG_FILE.new" <<YAML
apiVersion: v1
kind: Config
current-context: $CONTEXT
clusters:
- name: $CONTEXT
  cluster:
    server: https://$NODE_IP:$API_PORT
    certificate-authority-data: $(base64 -w0 "$PKI/ca.crt")
users:
- name: $CONTEXT
  user:
    client-certificate-data: $(base64 -w0 "$PKI/admin.crt")
    client-key-data: $(base64 -w0 "$PKI/admin.key")
contexts:
- name: $CONTEXT
  context: {cluster: $CONTEXT, user: $CONTEXT}
YAML
  )
  mv "$KUBECONFIG_FILE.new" "$KUBECONFIG_FILE"
}
